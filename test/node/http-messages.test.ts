import { describe, expect, test } from "vitest";
import type { MessageReceipt } from "../../src/contracts/organization-rpc.ts";
import { issueDetailSchema, messageReceiptSchema, problemSchema } from "../../src/contracts/http-views.ts";
import { newId } from "../../src/core/ids.ts";
import { adminToken, detailOf, EdgeFixture, issueRecord, jsonRequest, startMs } from "./http-fixture.ts";

const question = {
  id: newId("question", startMs),
  issueId: newId("issue", startMs),
  jobId: newId("job", startMs),
  attempt: 1,
  callId: "toolu_1",
  question: "Which status?",
  choices: ["APPROVED", "REJECTED"],
  defaultAnswer: null,
  status: "ANSWERED",
  answer: "APPROVED",
  answeredBy: "user_lead",
  enteredBy: "user_lead",
  askedAtMs: startMs,
  expiresAtMs: startMs + 1_000,
  closedAtMs: startMs + 500,
} as const;
const message = {
  id: newId("message", startMs),
  issueId: question.issueId,
  text: "Only briefs of this year.",
  author: "user_lead",
  enteredBy: "user_lead",
  sentAtMs: startMs,
  heardByJobId: null,
  heardAtMs: null,
} as const;

function answering(receipt: MessageReceipt): { readonly fixture: EdgeFixture; readonly path: string } {
  const fixture = new EdgeFixture();
  fixture.messageAnswer = { ok: true, value: receipt };
  return { fixture, path: `/api/agents/${question.issueId}/messages` };
}

describe("POST /:id/messages", () => {
  test("reaches the object in the caller's name, and answers with what became of it", async () => {
    const { fixture, path } = answering({ kind: "answered", question: { ...question, choices: [] }, replayed: false });
    const token = fixture.user("TEAM_LEAD", { userId: "user_lead" });
    const response = await fixture
      .app()
      .request(path, jsonRequest(token, { text: " APPROVED ", questionId: question.id }));
    expect(response.status).toBe(202);
    expect(response.headers.get("idempotency-replayed")).toBeNull();
    const body = messageReceiptSchema.parse(await response.json());
    expect(body).toMatchObject({
      kind: "answered",
      question: { answer: "APPROVED", askedAt: "2026-11-22T00:00:00.000Z" },
    });
    expect(fixture.callsOf("sendMessage").map(({ argument }) => argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        issueId: question.issueId,
        visibility: { kind: "all" },
        authority: { kind: "all" },
        text: "APPROVED",
        author: "user_lead",
        enteredBy: "user_lead",
        questionId: question.id,
        idempotency: null,
      },
    ]);
  });

  test("is stored without the secrets in it", async () => {
    const { fixture, path } = answering({ kind: "sent", message, replayed: false });
    const key = `sk-ant-api03-${"Ab3d".repeat(23)}AA`;
    await fixture.app().request(path, jsonRequest(fixture.user("ADMIN"), { text: `Use ${key} then.` }));
    const [call] = fixture.callsOf("sendMessage");
    expect(JSON.stringify(call?.argument)).not.toContain(key);
    expect(call?.argument).toMatchObject({ text: expect.stringMatching(/^Use .+ then\.$/u) as unknown });
  });

  test("of a submitter carries his own authority only", async () => {
    const { fixture, path } = answering({ kind: "sent", message, replayed: false });
    const token = fixture.user("FREELANCER", { userId: "user_free" });
    await fixture.app().request(path, jsonRequest(token, { text: "Only this year." }));
    const own = { kind: "own", userIds: ["user_free", token.split(".")[1]] };
    expect(fixture.callsOf("sendMessage").map(({ argument }) => argument)).toMatchObject([
      { visibility: own, authority: own },
    ]);
  });

  test("passes on another person's words for a platform administrator, and for nobody else", async () => {
    const { fixture, path } = answering({ kind: "sent", message, replayed: false });
    const body = { text: "Two currencies.", answeredBy: "Client: Ms. Okafor" };
    const headers = { "x-organization-id": fixture.organizationId };
    expect((await fixture.app().request(path, jsonRequest(adminToken, body, headers))).status).toBe(202);
    const refused = await fixture.app().request(path, jsonRequest(fixture.user("ADMIN"), body));
    expect(refused.status).toBe(403);
    expect(fixture.callsOf("sendMessage").map(({ argument }) => argument)).toMatchObject([
      { author: "Client: Ms. Okafor", enteredBy: "root" },
    ]);
  });

  test("with an idempotency key tells one request from another, and says when its answer is an old one", async () => {
    const { fixture, path } = answering({ kind: "sent", message, replayed: true });
    const token = fixture.user("ADMIN");
    const send = (text: string, to = path) =>
      fixture.app().request(to, jsonRequest(token, { text }, { "idempotency-key": "k1" }));
    const response = await send("a");
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    await send("b");
    await send("a", `/api/agents/${newId("issue", startMs)}/messages`);
    await send("a");
    const hashes = fixture
      .callsOf("sendMessage")
      .map(({ argument }) => JSON.stringify(Reflect.get(Object(argument), "idempotency")));
    expect(hashes[0]).toBe(hashes[3]);
    expect(new Set(hashes).size).toBe(3);
  });

  test("to an issue that has left the object is a conflict; to one that there is not, not found", async () => {
    const fixture = new EdgeFixture();
    const issue = issueRecord(fixture.organizationId, { status: "COMPLETED" });
    fixture.stored.set(issue.id, detailOf(issue));
    const token = fixture.user("ADMIN");
    const send = (id: string) =>
      fixture.app().request(`/api/agents/${id}/messages`, jsonRequest(token, { text: "Hm" }));
    const left = await send(issue.id);
    expect(left.status).toBe(409);
    expect(problemSchema.parse(await left.json()).detail).toContain("COMPLETED");
    expect((await send(newId("issue", startMs))).status).toBe(404);
    expect((await send("nothing")).status).toBe(404);
    const freelancer = fixture.user("FREELANCER", { userId: "user_free" });
    await fixture.app().request(`/api/agents/${issue.id}/messages`, jsonRequest(freelancer, { text: "Hm" }));
    // The look into Postgres sees no more than the caller may.
    expect(fixture.callsOf("postgres.read").map(({ argument }) => argument)).toMatchObject([
      { kind: "all" },
      { kind: "all" },
      { kind: "own" },
    ]);
  });

  test("refuses what is no message, naming the field", async () => {
    const { fixture, path } = answering({ kind: "sent", message, replayed: false });
    const token = fixture.user("ADMIN");
    for (const body of [{}, { text: "  " }, { text: "x".repeat(10_001) }, { text: "a", questionId: "que_1" }]) {
      const response = await fixture.app().request(path, jsonRequest(token, body));
      expect(response.status).toBe(422);
      const { errors = [] } = problemSchema.parse(await response.json());
      expect(errors.map(({ field }) => field)).toEqual(["questionId" in body ? "questionId" : "text"]);
    }
    expect(fixture.callsOf("sendMessage")).toEqual([]);
  });
});

test("an issue's detail shows what was asked and said", async () => {
  const fixture = new EdgeFixture();
  const issue = issueRecord(fixture.organizationId);
  fixture.live.set(issue.id, {
    ...detailOf(issue),
    questions: [{ ...question, choices: [], status: "OPEN", answer: null, answeredBy: null, closedAtMs: null }],
    messages: [message],
  });
  const response = await fixture
    .app()
    .request(`/api/agents/${issue.id}`, { headers: { authorization: `Bearer ${fixture.user("ADMIN")}` } });
  const detail = issueDetailSchema.parse(await response.json());
  expect(detail.questions).toMatchObject([{ question: "Which status?", status: "OPEN", closedAt: null }]);
  expect(detail.questions[0]).not.toHaveProperty("callId");
  expect(detail.messages).toMatchObject([{ text: message.text, heardByJobId: null }]);
});
