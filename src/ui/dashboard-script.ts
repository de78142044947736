import { apiBasePath, organizationHeader } from "../contracts/http.ts";

/**
 * The dashboard's script. A platform administrator's token is exchanged for a session cookie, which no script can read; an
 * organization's access token stays in the page's memory. What the API answers is put into the page as text, never as markup.
 */
export const dashboardScript = `"use strict";
const api = ${JSON.stringify(apiBasePath)};
const organizationHeader = ${JSON.stringify(organizationHeader)};
const statuses = ["REVIEW", "PROCESSING", "QUEUED"];
const element = (id) => document.getElementById(id);

function node(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}

function say(text) {
  element("message").textContent = text;
  element("message").hidden = text === "";
}

function dollars(microUsd) {
  return "$" + (microUsd / 1e6).toFixed(4);
}

/** An access token, while nobody has signed in. */
let accessToken = "";

function headers() {
  const organization = element("organization").value.trim();
  const sent = {};
  if (accessToken !== "") sent.authorization = "Bearer " + accessToken;
  if (organization !== "") sent[organizationHeader] = organization;
  return sent;
}

/** Shows who has signed in; null for nobody. */
function showSession(session) {
  element("signed-in").hidden = session === null;
  element("who").textContent = session === null ? "" : "Signed in as " + session.name + ".";
  element("token-label").hidden = session !== null;
  element("token").required = session === null;
}

async function readSession() {
  const response = await fetch(api + "/admin/session", { cache: "no-store" });
  showSession(response.ok ? await response.json() : null);
}

/** Signs in with an administrator's token; any other is kept as an access token. */
async function signIn() {
  const token = element("token").value.trim();
  element("token").value = "";
  const response = await fetch(api + "/admin/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  accessToken = response.ok ? "" : token;
  element("token").required = false;
  if (response.ok) showSession(await response.json());
}

async function signOut() {
  await fetch(api + "/admin/session", { method: "DELETE" });
  showSession(null);
  element("results").hidden = true;
}

async function ask(path) {
  const response = await fetch(api + path, { headers: headers(), cache: "no-store" });
  const body = await response.json();
  if (!response.ok) throw new Error(body.title + ": " + body.detail);
  return body;
}

function issueRow(issue) {
  const row = node("tr");
  const title = node("td");
  title.append(node("strong", issue.title), node("small", issue.id));
  const agent = issue.triage === null ? (issue.requestedAgentType ?? "not triaged yet") : issue.triage.agent;
  const createdAt = node("time", new Date(issue.createdAt).toLocaleString());
  createdAt.dateTime = issue.createdAt;
  const submitted = node("td");
  submitted.append(createdAt);
  row.append(
    title,
    node("td", issue.type),
    node("td", issue.priority, "priority-" + issue.priority),
    node("td", agent),
    node("td", dollars(issue.costMicroUsd), "number"),
    submitted,
  );
  return row;
}

function issueTable(page) {
  if (page.items.length === 0) return node("p", "None.", "empty");
  const table = node("table");
  const head = node("tr");
  for (const name of ["Issue", "Type", "Priority", "Agent", "Cost", "Submitted"]) {
    const cell = node("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = node("thead");
  thead.append(head);
  const tbody = node("tbody");
  tbody.append(...page.items.map(issueRow));
  table.append(thead, tbody);
  return table;
}

async function show() {
  say("");
  try {
    const pages = await Promise.all(statuses.map((status) => ask("?limit=50&status=" + status)));
    pages.forEach((page, index) => element(statuses[index]).replaceChildren(issueTable(page)));
    element("results").hidden = false;
    const isCut = pages.some((page) => page.nextCursor !== null);
    if (pages.some((page) => page.partial)) say("PostgreSQL cannot be read: only live issues are listed.");
    else if (isCut) say("Only the newest 50 issues of each status are listed.");
  } catch (error) {
    element("results").hidden = true;
    say(error.message);
  }
}

async function showHealth() {
  const target = element("health");
  try {
    const health = await (await fetch(api + "/health")).json();
    const slots = health.slots === null ? "" : ", " + health.slots.inUse + " of " + health.slots.total + " slots in use";
    target.textContent = (health.status ?? health.title) + slots;
    target.className = health.status === "healthy" ? "good" : "bad";
  } catch {
    target.textContent = "health cannot be read";
    target.className = "bad";
  }
}

element("access").addEventListener("submit", (event) => {
  event.preventDefault();
  void (element("token").value === "" ? show() : signIn().then(show));
});
element("sign-out").addEventListener("click", () => void signOut());
void readSession();
void showHealth();
`;
