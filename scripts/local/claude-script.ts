/** The scripted model of the local stack: it decides what to do, and every tool really does it. */
import type { Conversation } from "./claude-conversation.ts";

interface ScriptedReply {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[];
}

/** What the model says next; a function of the conversation alone, so that a repeated call gets the same answer. */
export type ClaudeScript = (conversation: Conversation) => ScriptedReply;

type AgentScript = (conversation: Conversation) => ScriptedReply;

const workflowPath = "spokestack/src/modules/briefs/brief-workflow.ts";
const readmePath = "spokestack/src/modules/briefs/README.md";
const brokenLine = "return brief.submittedAt !== null;";
const repairedLine = "return brief.completedAt !== null;";

const says = (text: string): ScriptedReply => ({ text, calls: [] });
const answers = (data: object): ScriptedReply => says(JSON.stringify(data));

function calls(text: string, ...wanted: readonly (readonly [string, Readonly<Record<string, unknown>>])[]) {
  return { text, calls: wanted.map(([name, input]) => ({ name, input })) };
}

function finishes(summary: string, report?: string): ScriptedReply {
  return calls("", ["finish", report === undefined ? { summary } : { summary, report }]);
}

/** The text between the marks of a quoted part of the first message. */
function quoted(firstMessage: string, what: string): string {
  const match = new RegExp(`^${what}:\\n<(?<mark>quote-[0-9a-f]+)>\\n(?<text>[^]*?)\\n</\\k<mark>>`, "mu").exec(
    firstMessage,
  );
  return match?.groups?.["text"] ?? "";
}

/** Whether a tool's result is data; errors come without the marks. */
const isData = (result: string): boolean => result.startsWith("<data-");
const withoutMarks = (result: string): string => result.replaceAll(/^<\/?data-[0-9a-f]+>\n?/gmu, "").trim();

/** Whether the issue is about briefs that do not move on. */
function isBriefStatusIssue(firstMessage: string): boolean {
  const words = `${quoted(firstMessage, "Title")}\n${quoted(firstMessage, "Description")}`;
  return /\bbriefs?\b/iu.test(words) && /\b(?:stuck|status|submitted|workflow|transition)/iu.test(words);
}

const triage: AgentScript = ({ firstMessage, system }) => {
  const submitted = /^Submitted as (?<type>[A-Z]+), priority (?<priority>[A-Z]+)\./mu.exec(firstMessage)?.groups;
  const type = submitted?.["type"] ?? "TASK";
  if (isBriefStatusIssue(firstMessage) && system.includes("- briefs.status-workflow ")) {
    return answers({
      type,
      priority: "HIGH",
      module: "briefs",
      complexity: 5,
      agent: "briefs.status-workflow",
      confidence: 0.93,
      reason: "Briefs do not move on to the next status, which is decided by the status workflow of the briefs module.",
      expectedSteps: 14,
    });
  }
  return answers({
    type,
    priority: submitted?.["priority"] ?? "MEDIUM",
    module: "unknown",
    complexity: type === "QUESTION" ? 3 : 4,
    agent: "meta.research",
    confidence: 0.45,
    reason: "No agent's field fits clearly, so the matter is investigated first.",
    expectedSteps: 8,
  });
};

const proposal = {
  title: "Let submitted briefs move on",
  body: `## What was wrong
A brief counted as closed as soon as it had been submitted, because \`isClosed\` looked at \`submittedAt\`. Every later
status was therefore refused as \`closed\`, for everybody.

## What changes
\`isClosed\` looks at \`completedAt\`, which is set when a brief is completed or cancelled. Nothing else changes.

## How to check
\`brief-workflow.test.ts\` walks a brief from draft to completed and fails without this change. Briefs that are stuck in
SUBMITTED can be moved on as soon as it is deployed; their data needs no repair.`,
};

const notFound = (results: readonly string[]): ScriptedReply =>
  finishes(
    "The code of the brief workflow could not be found, so nothing was changed.",
    `# What I looked for\nThe rules of the brief statuses.\n\n# What I found\n${results.map(withoutMarks).join("\n\n")}`,
  );

const statusWorkflow: AgentScript = ({ assistantTurns, toolResults }) => {
  const results = toolResults.join("\n");
  if (toolResults.some((result) => !isData(result))) return notFound(toolResults);
  switch (assistantTurns) {
    case 0:
      return calls(
        "I look for the place that decides whether a brief may leave SUBMITTED.",
        ["search_code", { text: "SUBMITTED", glob: "spokestack/**" }],
        ["search_files", { glob: "**/briefs/**" }],
      );
    case 1:
      if (!results.includes(workflowPath)) return notFound(toolResults);
      return calls(
        "The workflow module holds the rules. I read it, and what its README promises.",
        ["read_file", { path: workflowPath }],
        ["read_file", { path: readmePath }],
      );
    case 2:
      if (!results.includes(brokenLine)) {
        return finishes(
          "The workflow already treats only completed and cancelled briefs as closed; nothing was changed.",
        );
      }
      return calls(
        "The README says that a brief is closed once it was completed or cancelled, but isClosed tests submittedAt: every " +
          "submitted brief counts as closed. completedAt is the date that says so.",
        ["edit_file", { path: workflowPath, oldText: brokenLine, newText: repairedLine }],
      );
    case 3:
      return calls("I look at the whole change before I propose it.", ["git_diff", {}]);
    case 4:
      return calls("The diff is the one line that was wrong.", ["git_propose", proposal]);
    default:
      return finishes(
        "Briefs stayed in SUBMITTED because the workflow took every submitted brief for a closed one. I corrected the " +
          "check so that only completed and cancelled briefs are closed; the change waits for review.",
      );
  }
};

const review: AgentScript = ({ assistantTurns, firstMessage, toolResults }) => {
  const paths = [...quoted(firstMessage, "Diff").matchAll(/^\+\+\+ (?:b\/)?(?<path>[^\t\n]+)/gmu)]
    .map((match) => match.groups?.["path"] ?? "")
    .filter((path) => path !== "" && path !== "/dev/null");
  const [path] = paths;
  if (assistantTurns === 0 && path !== undefined) {
    return calls("I read the changed file as it would be after the change.", ["read_file", { path }]);
  }
  const read = toolResults.some(isData) ? `I read ${path ?? "it"} with the change applied. ` : "";
  return answers({
    decision: "pass",
    summary: `${read}The change touches ${paths.join(", ") || "no file"} and does what the issue asks, at the cause and no more than needed. No check of permissions is weakened.`,
    findings: [],
  });
};

/** The longest word of the title, which is worth a search. */
function searchWord(title: string): string {
  const words = title.match(/\p{L}{4,}/gu) ?? [];
  return [...words].sort((left, right) => right.length - left.length)[0] ?? "export";
}

const exportKinds = ["timesheets", "invoices", "briefs"];

/** Whether the issue speaks of an export without saying of what. */
function isUnclearExport(firstMessage: string): boolean {
  const words = `${quoted(firstMessage, "Title")}\n${quoted(firstMessage, "Description")}`.toLowerCase();
  return /\bexport/u.test(words) && !exportKinds.some((kind) => words.includes(kind.slice(0, -1)));
}

const research: AgentScript = (conversation) => {
  if (!isUnclearExport(conversation.firstMessage)) return investigate(conversation, null);
  if (conversation.assistantTurns === 0) {
    const question = { question: "Which export do you mean?", choices: exportKinds, default: "timesheets" };
    return calls("There are several exports, and the issue does not say which one is meant.", ["ask_user", question]);
  }
  const [said = ""] = conversation.firstToolResults.map(withoutMarks);
  const answer = exportKinds.find((kind) => said.includes(kind)) ?? "export";
  return investigate({ ...conversation, assistantTurns: conversation.assistantTurns - 1 }, answer);
};

/** Looks for what the issue speaks of: the subject that a person has named, or else the title's own words. */
function investigate(
  { assistantTurns, firstMessage, toolResults }: Conversation,
  subject: string | null,
): ScriptedReply {
  const title = quoted(firstMessage, "Title");
  const found = toolResults.filter(isData).map(withoutMarks);
  if (assistantTurns === 0) {
    return calls(
      "I look at what there is, and where the issue's words occur.",
      ["list_files", {}],
      ["search_code", { text: subject ?? searchWord(title), ignoreCase: true }],
    );
  }
  if (found.length === 0) {
    return finishes(
      "No repository could be read for this issue, so the question stays open.",
      `# Question\n${title}\n\n# Result\nThere was nothing to read: ${toolResults.join(" ")}\n\n# Next step\nBind a repository to the organization, or name the files.`,
    );
  }
  const path = /[\w./()[\]-]+\.(?:ts|tsx|md)\b/u.exec(found.at(-1) ?? "")?.[0];
  if (assistantTurns === 1 && path !== undefined) {
    return calls("I read the most promising file.", ["read_file", { path }]);
  }
  const meant = subject === null ? "" : `\n\n# What is meant\n${subject}`;
  return finishes(
    `I looked into "${title}" and wrote down what the repository shows about it.`,
    `# Question\n${title}${meant}\n\n# What I saw\n\`\`\`\n${found.join("\n\n").slice(0, 4_000)}\n\`\`\`\n\n# Next step\nThis report was written by the scripted model of the local stack. With a real API key, Claude investigates instead.`,
  );
}

const scripts: Readonly<Record<string, AgentScript>> = {
  "meta.triage": triage,
  "meta.review": review,
  "meta.research": research,
  "briefs.status-workflow": statusWorkflow,
};

/** The demo's script: the agents that it knows play their part, any other investigates. */
export const demoScript: ClaudeScript = (conversation) => (scripts[conversation.agent] ?? research)(conversation);
