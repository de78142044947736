/** The simulator can fail: each rule about questions, messages, replays and what waits for people, broken on purpose, is noticed. */
import { describe, expect, test } from "vitest";
import type { ObjectHost } from "./object-host.ts";
import { propertyOf, textOf } from "./properties.ts";
import { afterwards, honest, inScenarios, noticed, replaced, withIssues } from "./sabotage-tools.ts";

const asking = withIssues({ question: { choices: [], defaultAnswer: "no" } });
const talking = withIssues({
  messages: [
    { afterMs: 1_000, hasKey: true },
    { afterMs: 1_000, hasKey: true },
  ],
});
const replaying = withIssues({
  commands: [
    {
      afterMs: 60_000,
      command: "retry",
      replay: { fromStep: 2, jobId: null, attempt: null, model: null, note: null },
    },
  ],
});
const isReplay = (method: string, command: unknown): boolean =>
  method === "commandIssue" && propertyOf(command, "replay") !== undefined;

describe("a run notices", () => {
  test("a question and a review that stay open when their time is over", async () => {
    const short = inScenarios(() => ({ questionExpiresAfterMs: 20_000, reviewExpiresAfterMs: 20_000 }));
    const forgetful = (kind: string) => ({
      carryOut: afterwards(["askPerson", "finish"], ({ disk }) =>
        disk.query("DELETE FROM deadlines WHERE name LIKE ?", `${kind}:%`),
      ),
    });
    const asked = { shape: (scenario: Parameters<typeof short.shape>[0]) => short.shape(asking.shape(scenario)) };
    expect(await noticed({ ...forgetful("question"), ...asked }, /que_\w+ is open, though its time is over/u)).toBe(
      true,
    );
    expect(await noticed({ ...forgetful("review"), ...short }, /rev_\w+ is open, though its time is over/u)).toBe(true);
  });

  test("a default that is taken too late, or too early", async () => {
    const short = inScenarios((scenario) => ({ ...asking.shape(scenario), questionExpiresAfterMs: 100_000 }));
    const moved = (byMs: number) =>
      afterwards(["askPerson"], ({ disk }) =>
        disk.query("UPDATE deadlines SET due_at_ms = due_at_ms + ? WHERE name LIKE 'question:%'", byMs),
      );
    expect(await noticed({ carryOut: moved(60_000), ...short }, /que_\w+ has expired \d+ ms too late/u)).toBe(true);
    const hasty = moved(-60_000);
    expect(await noticed({ carryOut: hasty, ...short }, /que_\w+ has expired before its time/u)).toBe(true);
  });

  test("an answer that nothing follows, and a job that goes on without one", async () => {
    const pausedBy = (reason: string, { disk }: ObjectHost): unknown =>
      disk.query("UPDATE jobs SET state = json_set(state, '$.record.pausedReason', ?) WHERE status = 'PAUSED'", reason);
    const deaf = (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "sendMessage") {
        pausedBy("operator", host);
        host.evict();
      }
      return honest(host, method, command);
    };
    expect(await noticed({ carryOut: deaf, ...asking }, /job_\w+ was answered, and does not go on/u)).toBe(true);
    const impatient = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method !== "askPerson" || propertyOf(answer, "accepted") !== true) return answer;
      pausedBy("operator", host);
      host.evict();
      const everything = { kind: "all" };
      const [job] = host.disk.query("SELECT issue_id AS issueId FROM jobs WHERE id = ?", textOf(command, "jobId"));
      const who = { visibility: everything, authority: everything, actor: "someone", reason: null };
      await honest(host, "commandIssue", { organizationId: host.name, ...job, ...who, command: "resume" }).catch(
        () => null,
      );
      return answer;
    };
    const words = /job_\w+ goes on, and nobody has answered it/u;
    expect(await noticed({ carryOut: impatient, ...asking }, words)).toBe(true);
  });

  test("a job that keeps its slot while it waits for an answer, and one that runs without a slot", async () => {
    const greedy = afterwards(["askPerson"], ({ disk }) =>
      disk.query("UPDATE jobs SET slot_id = 'slt_kept' WHERE status = 'PAUSED'"),
    );
    expect(await noticed({ carryOut: greedy, ...asking }, /job_\w+ is PAUSED with a slot/u)).toBe(true);
    const homeless = afterwards(["beginAttempt"], ({ disk }) =>
      disk.query("UPDATE jobs SET slot_id = NULL WHERE status = 'RUNNING'"),
    );
    expect(await noticed({ carryOut: homeless }, /job_\w+ is RUNNING without a slot/u)).toBe(true);
  });

  test("a message that is heard twice, in another order, or by nobody", async () => {
    const forgetful = afterwards(["checkpoint"], ({ disk }) => disk.query("UPDATE person_messages SET is_heard = 0"));
    expect(await noticed({ carryOut: forgetful, ...talking }, /hears msg_\w+.* where .*is next/u)).toBe(true);
    const backwards = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      const unheard = propertyOf(answer, "unheard");
      if (method !== "checkpoint" || !Array.isArray(unheard)) return answer;
      return replaced(answer, "unheard", unheard.toReversed());
    };
    expect(await noticed({ carryOut: backwards, ...talking }, /hears msg_\w+, msg_\w+ where/u, 200)).toBe(true);
    const secretive = afterwards(["sendMessage"], ({ disk }) => disk.query("UPDATE person_messages SET is_heard = 1"));
    expect(await noticed({ carryOut: secretive, ...talking }, /\d messages to it were not heard/u)).toBe(true);
  });

  test("a message that is not in the transcript of whoever heard it, and one that is said twice under one key", async () => {
    const pretending = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "checkpoint" ? replaced(command, "appendedMessages", ["{}"]) : command);
    const words = /msg_\w+ stands 0 times in the transcript/u;
    expect(await noticed({ carryOut: pretending, ...talking }, words)).toBe(true);
    const keyless = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "sendMessage" ? replaced(command, "idempotency", null) : command);
    expect(await noticed({ carryOut: keyless, ...talking }, /msg_\w+ was said before/u, 300)).toBe(true);
  });

  test("a replay beside work that is under way", async () => {
    const blind = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (!isReplay(method, command)) return honest(host, method, command);
      host.evict();
      const living = "status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')";
      host.disk.query(`UPDATE jobs SET issue_id = 'hidden ' || issue_id WHERE ${living}`);
      return honest(host, method, command).finally(() => {
        host.disk.query("UPDATE jobs SET issue_id = replace(issue_id, 'hidden ', '')");
        host.evict();
      });
    };
    const words = /job_\w+ replays job_\w+ while job_\w+ is/u;
    expect(await noticed({ carryOut: blind, ...replaying }, words)).toBe(true);
  });

  test("a replay that begins with other words", async () => {
    const forging = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (!isReplay(method, command)) return honest(host, method, command);
      host.disk.query(
        `CREATE TRIGGER forge AFTER INSERT ON messages BEGIN
           UPDATE messages SET message = 'forged' WHERE job_id = NEW.job_id AND attempt = NEW.attempt;
         END`,
      );
      return honest(host, method, command).finally(() => host.disk.query("DROP TRIGGER forge"));
    };
    const words = /job_\w+ begins with other words than job_\w+ had before step 2/u;
    expect(await noticed({ carryOut: forging, ...replaying }, words)).toBe(true);
  });

  test("a replay that stands for another job than the one that it replays", async () => {
    const mistaken = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (!isReplay(method, command)) return honest(host, method, command);
      host.disk.query(
        `CREATE TRIGGER mistake AFTER INSERT ON events WHEN NEW.event ->> '$.type' = 'job.created' BEGIN
           UPDATE events SET event = json_set(event, '$.data.job.retryOf', 'job_0') WHERE seq = NEW.seq;
         END`,
      );
      return honest(host, method, command).finally(() => host.disk.query("DROP TRIGGER mistake"));
    };
    const words = /job_\w+ replays job_\w+, but stands for job_0/u;
    expect(await noticed({ carryOut: mistaken, ...replaying }, words)).toBe(true);
  });
});
