/** Money around a model call: what is set aside, and how every end of a call is told. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reservationMicroUsd } from "../../src/agents/reservation.ts";
import { SliceAborted } from "../../src/agents/stops.ts";
import { defaultCeilings, jobCeilings } from "../../src/contracts/ceilings.ts";
import { modelNames, modelTable } from "../../src/contracts/models.ts";
import type { ReserveAnswer } from "../../src/contracts/organization-rpc.ts";
import { ModelCallError, type ModelPort } from "../../src/contracts/ports.ts";
import { callCostMicroUsd, type TokenUsage } from "../../src/core/money.ts";
import {
  firstMessage,
  inOrder,
  replyOf,
  runTestLoop,
  scriptedModel,
  StoredAttempt,
  testAttempt,
} from "../support/agents-fixture.ts";

type Told =
  | readonly ["reserve", number, number]
  | readonly ["release", number]
  | readonly ["settle", number, TokenUsage | null];

/** Money that remembers what it was told. */
function toldMoney(answer: ReserveAnswer = { kind: "reserved" }) {
  const told: Told[] = [];
  return {
    told,
    reserve: (stepNumber: number, amountMicroUsd: number) => {
      told.push(["reserve", stepNumber, amountMicroUsd]);
      return Promise.resolve(answer);
    },
    release: (stepNumber: number) => {
      told.push(["release", stepNumber]);
      return Promise.resolve();
    },
    settle: (stepNumber: number, usage: TokenUsage | null) => {
      told.push(["settle", stepNumber, usage]);
      return Promise.resolve();
    },
  };
}

const usage: TokenUsage = { inputTokens: 4, cacheWriteTokens: 30, cacheReadTokens: 200, outputTokens: 7 };
const finish = { calls: [{ id: "c1", name: "finish", input: { summary: "Done." } }] };

function failing(reached: boolean, seen: TokenUsage | null): ModelPort {
  return {
    call: (_request, { onUsage }) => {
      if (seen !== null) onUsage(seen);
      const failure = { failureClass: "transient", reason: "overloaded", message: "busy", reached } as const;
      return Promise.reject(new ModelCallError(failure));
    },
  };
}

/** Splits a prompt's tokens into the three classes. */
const splitPrompt = (tokens: number, writeShare: number, readShare: number): Omit<TokenUsage, "outputTokens"> => {
  const cacheWriteTokens = Math.floor(tokens * writeShare);
  const cacheReadTokens = Math.floor((tokens - cacheWriteTokens) * readShare);
  return { inputTokens: tokens - cacheWriteTokens - cacheReadTokens, cacheWriteTokens, cacheReadTokens };
};
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("what is set aside", () => {
  test("covers the first call, whatever the cache does and however the text falls into tokens", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...modelNames),
        fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }),
        fc.nat({ max: 150_000 }),
        share,
        share,
        fc.nat({ max: 16_384 }),
        (model, texts, padding, writeShare, readShare, outputTokens) => {
          const { price } = modelTable[model];
          const messages = [...texts, "x".repeat(padding)].map((text) =>
            JSON.stringify({ role: "user", content: text }),
          );
          const attempt = { prompt: testAttempt.prompt, price, maxTokens: outputTokens };
          const sent = [attempt.prompt.system, attempt.prompt.toolsJson, ...messages].join("");
          const real = { ...splitPrompt(Buffer.byteLength(sent), writeShare, readShare), outputTokens };
          expect(reservationMicroUsd(attempt, { messages, lastUsage: null })).toBeGreaterThanOrEqual(
            callCostMicroUsd(real, price),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test("covers a later call: what was reported, its answer with hidden thoughts, and all that was appended", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...modelNames),
        fc.nat({ max: 120_000 }),
        fc.nat({ max: 16_384 }),
        fc.string(),
        fc.string({ unit: "binary", maxLength: 100 }),
        share,
        share,
        fc.nat({ max: 16_384 }),
        (model, reported, answered, answer, appended, writeShare, readShare, outputTokens) => {
          const { price } = modelTable[model];
          const reply = JSON.stringify({ role: "assistant", content: [{ type: "text", text: answer }] });
          const next = JSON.stringify({ role: "user", content: [{ type: "text", text: appended }] });
          const lastUsage = { ...splitPrompt(reported, readShare, writeShare), outputTokens: answered };
          const state = { messages: [firstMessage, reply, next], lastUsage };
          const prompt = reported + answered + Buffer.byteLength(next);
          const real = { ...splitPrompt(prompt, writeShare, readShare), outputTokens };
          const attempt = { prompt: testAttempt.prompt, price, maxTokens: outputTokens };
          expect(reservationMicroUsd(attempt, state)).toBeGreaterThanOrEqual(callCostMicroUsd(real, price));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("is the same for a slice that resumes", async () => {
    const turns = [{ calls: [{ id: "c0", name: "list_files" }] }, finish];
    const whole = toldMoney();
    const store = new StoredAttempt();
    await runTestLoop(scriptedModel(inOrder(turns)), { store, ports: { money: whole } });
    const resumed = toldMoney();
    const rest = new StoredAttempt(store.stateAfter(2));
    await runTestLoop(scriptedModel(inOrder(turns)), { store: rest, ports: { money: resumed } });
    expect(whole.told.map(([what, stepNumber]) => [what, stepNumber])).toEqual([
      ["reserve", 1],
      ["reserve", 3],
    ]);
    expect(resumed.told).toEqual([whole.told[1]]);
  });
});

describe("a call", () => {
  test.each([
    [
      { kind: "refused", by: "job" },
      { kind: "budget", by: "job", limitMicroUsd: defaultCeilings.costMicroUsd },
    ],
    [
      { kind: "refused", by: "organization_day" },
      { kind: "budget", by: "organization_day" },
    ],
    [
      { kind: "refused", by: "organization_month" },
      { kind: "budget", by: "organization_month" },
    ],
    [{ kind: "stale" }, { kind: "stale" }],
  ] as const)("is not made when the answer is %j", async (answer, stop) => {
    const model = scriptedModel(inOrder([finish]));
    expect(await runTestLoop(model, { ports: { money: toldMoney(answer) } })).toEqual(stop);
    expect(model.requests).toEqual([]);
  });

  test("that might exceed the job's own ceiling is not even asked for", async () => {
    const money = toldMoney();
    const store = new StoredAttempt({ ...new StoredAttempt().state, costMicroUsd: 99_999 });
    const limits = { ...testAttempt.limits, costMicroUsd: 100_000 };
    const stop = await runTestLoop(scriptedModel(inOrder([finish])), { attempt: { limits }, store, ports: { money } });
    expect(stop).toEqual({ kind: "budget", by: "job", limitMicroUsd: 100_000 });
    expect(money.told).toEqual([]);
  });

  test("that never reached the model is given back", async () => {
    const money = toldMoney();
    await runTestLoop(failing(false, null), { ports: { money } });
    expect(money.told.slice(1)).toEqual([["release", 1]]);
  });

  test.each([[null], [usage]])("that broke off is settled with what was seen of it: %j", async (seen) => {
    const money = toldMoney();
    await runTestLoop(failing(true, seen), { ports: { money } });
    expect(money.told.slice(1)).toEqual([["settle", 1, seen]]);
  });

  test("that is aborted is settled before the slice ends", async () => {
    const money = toldMoney();
    const abort = new AbortController();
    const aborted: ModelPort = {
      call: (_request, { signal, onUsage }) => {
        onUsage(usage);
        abort.abort(new SliceAborted("yielded", "test"));
        return Promise.reject(signal.reason instanceof Error ? signal.reason : new Error("not aborted"));
      },
    };
    expect(await runTestLoop(aborted, { signal: abort.signal, ports: { money } })).toEqual({ kind: "yielded" });
    expect(money.told.slice(1)).toEqual([["settle", 1, usage]]);
  });

  test("whose slice is aborted while money is set aside is given back unmade", async () => {
    const abort = new AbortController();
    const told = toldMoney();
    const money = {
      ...told,
      reserve: (stepNumber: number, amountMicroUsd: number) => {
        abort.abort(new SliceAborted("yielded", "test"));
        return told.reserve(stepNumber, amountMicroUsd);
      },
    };
    const model: ModelPort = { call: () => Promise.resolve(replyOf(finish)) };
    expect(await runTestLoop(model, { signal: abort.signal, ports: { money } })).toEqual({ kind: "yielded" });
    expect(told.told.slice(1)).toEqual([["release", 1]]);
  });
});

describe("the ceilings of a job", () => {
  const triage = { ...defaultCeilings, costMicroUsd: 250_000 };
  test.each([
    ["work", {}, defaultCeilings, 5_000_000],
    ["work", { maxCostMicroUsd: 9_000_000 }, defaultCeilings, 9_000_000],
    ["work", { maxCostMicroUsd: 1_000 }, defaultCeilings, 1_000],
    ["triage", { maxCostMicroUsd: 9_000_000 }, triage, 250_000],
    ["review", { maxCostMicroUsd: 1_000 }, triage, 1_000],
  ] as const)("of %s with %j follow from its agent's", (role, config, agent, costMicroUsd) => {
    expect(jobCeilings(agent, { role, config })).toEqual({ ...agent, costMicroUsd });
  });
});
