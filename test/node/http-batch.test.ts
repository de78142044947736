/** `POST /batch`: each submission with its own result, and one that is bad does not hurt the others. */
import { describe, expect, test } from "vitest";
import { batchResponseSchema, problemSchema } from "../../src/contracts/http-views.ts";
import type { Outcome, SubmitReceipt } from "../../src/contracts/organization-rpc.ts";
import { EdgeFixture, jsonRequest, validSubmission } from "./http-fixture.ts";

async function submitBatch(fixture: EdgeFixture, issues: unknown, headers: Record<string, string> = {}) {
  const request = jsonRequest(fixture.user("STAFF"), { issues }, headers);
  return fixture.app().request("https://agents.example/api/agents/batch", request);
}

function answering(fixture: EdgeFixture, ...outcomes: readonly Outcome<SubmitReceipt>[]): void {
  const left = [...outcomes];
  fixture.submitAnswer = () => Promise.resolve(left.shift() ?? { ok: true, value: fixture.receipt });
}

describe("a batch", () => {
  test("is one call, whose answers come back in their places beside those that were no submissions", async () => {
    const fixture = new EdgeFixture();
    const failure = { code: "rate_limited", detail: "100 an hour.", retryAfterSeconds: 60 } as const;
    answering(fixture, { ok: true, value: fixture.receipt }, { ok: false, failure });
    const issues = [
      { ...validSubmission, title: " " },
      validSubmission,
      null,
      { ...validSubmission, secret: 1 },
      { ...validSubmission, agentType: "meta.review" },
      { ...validSubmission, title: "Second" },
    ];
    const response = await submitBatch(fixture, issues);
    expect(response.status).toBe(200);
    const { results } = batchResponseSchema.parse(await response.json());
    expect(results.map(({ index, status }) => [index, status])).toEqual([
      [0, 422],
      [1, 202],
      [2, 422],
      [3, 422],
      [4, 422],
      [5, 429],
    ]);
    expect(results.map(({ problem }) => problem?.errors?.[0]?.field)).toEqual([
      "title",
      undefined,
      "body",
      "secret",
      "agentType",
      undefined,
    ]);
    expect(results[1]?.submission?.trackingUrl).toBe(`https://agents.example/api/agents/${fixture.receipt.issueId}`);
    expect(results[5]).toMatchObject({ problem: { code: "rate_limited" }, retryAfterSeconds: 60 });
    expect(response.headers.get("ratelimit")).toBe('"issues-per-hour";r=0;t=60');
    const [call, ...others] = fixture.callsOf("submitBatch");
    expect(others).toEqual([]);
    expect(call?.argument).toMatchObject([{ title: validSubmission.title }, { title: "Second" }]);
  });

  test("asks nothing of the organization when none of it is a submission", async () => {
    const fixture = new EdgeFixture();
    expect((await submitBatch(fixture, [1, {}])).status).toBe(200);
    expect(fixture.callsOf("submitBatch")).toEqual([]);
  });

  test("gives each submission the key of its place, or its own", async () => {
    const fixture = new EdgeFixture();
    const issues = [validSubmission, { title: "" }, { ...validSubmission, idempotencyKey: "own" }];
    await submitBatch(fixture, issues, { "idempotency-key": "b" });
    const sent = JSON.stringify(fixture.callsOf("submitBatch"));
    const keys = [...sent.matchAll(/"key":"\[\\"user:[\w-]+\\",\\"(?<key>[^"\\]+)\\"\]"/gu)];
    expect(keys.map(({ groups }) => groups?.["key"])).toEqual(["batch b 0", "own"]);
    // A submission with its own key is the same request as one that came by itself.
    await fixture
      .app()
      .request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission, { "idempotency-key": "own" }));
    const hashes = [...JSON.stringify(fixture.calls).matchAll(/"requestHash":"(?<hash>\w+)"/gu)];
    expect(new Set(hashes.map(({ groups }) => groups?.["hash"])).size).toBe(1);
  });

  test("is a repeated answer when each of it is", async () => {
    const fixture = new EdgeFixture();
    const replay = { ok: true, value: { ...fixture.receipt, replayed: true } } as const;
    answering(fixture, replay, replay);
    const repeated = await submitBatch(fixture, [validSubmission, validSubmission]);
    expect(repeated.headers.get("idempotency-replayed")).toBe("true");
    answering(fixture, replay, { ok: true, value: fixture.receipt });
    const mixed = await submitBatch(fixture, [validSubmission, validSubmission]);
    expect(mixed.headers.has("idempotency-replayed")).toBe(false);
    expect(mixed.headers.get("ratelimit")).toContain("r=99");
  });

  test.each([
    ["no issues", { issues: [] }, "issues"],
    ["too many", { issues: Array.from({ length: 101 }, () => validSubmission) }, "issues"],
    ["no list", { issues: validSubmission }, "issues"],
    ["an unknown field", { issues: [validSubmission], dryRun: true }, "dryRun"],
  ])("with %s is refused as a whole", async (_name, body, field) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents/batch", jsonRequest(fixture.user("STAFF"), body));
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field }]);
  });
});
