/** The durable loop with a scripted model: every turn it can take, every end it can come to, every place to resume. */
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { maxStepCharacters } from "../../src/agents/bounded-text.ts";
import type { LoopPorts } from "../../src/agents/attempt.ts";
import { SliceAborted } from "../../src/agents/stops.ts";
import {
  answerReminder,
  finishReminder,
  goOnMessage,
  stuckMessage,
  wrapUpMessage,
} from "../../src/agents/transcript.ts";
import { ModelCallError, type ModelPort } from "../../src/contracts/ports.ts";
import { callCostMicroUsd } from "../../src/core/money.ts";
import {
  execution,
  firstMessage,
  freeMoney,
  inOrder,
  runTestLoop,
  scriptedModel,
  StoredAttempt,
  testAttempt,
  type ScriptedTurn,
} from "../support/agents-fixture.ts";

const finish = (id = "c9", summary = "All done."): ScriptedTurn => ({
  calls: [{ id, name: "finish", input: { summary } }],
});
const finishedRun = { kind: "done", summary: "All done.", answer: null };

const wholeRun: readonly ScriptedTurn[] = [
  {
    text: "Looking.",
    calls: [
      { id: "c1", name: "search_code", input: { text: "a" } },
      { id: "c2", name: "read_file", input: { path: "b" } },
    ],
  },
  { calls: [{ id: "c3", name: "edit_file" }] },
  { text: "I think that is all." },
  finish(),
];

describe("a run", () => {
  test("answers all calls of a turn in one message and one checkpoint, in order", async () => {
    const store = new StoredAttempt();
    expect(await runTestLoop(scriptedModel(inOrder(wholeRun)), { store })).toEqual(finishedRun);
    expect(store.checkpoints.map((draft) => draft.steps.map((step) => `${step.number} ${step.kind}`))).toEqual([
      ["1 model"],
      ["2 tool", "3 tool"],
      ["4 model"],
      ["5 tool"],
      ["6 model"],
      ["7 model"],
      ["8 tool"],
    ]);
    expect(JSON.parse(store.checkpoints[1]?.appendedMessages[0] ?? "")).toEqual({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "c1", content: "search_code done" },
        { type: "tool_result", tool_use_id: "c2", content: "read_file done" },
      ],
    });
  });

  test("sends only stored bytes and what was appended to them", async () => {
    const model = scriptedModel(inOrder(wholeRun));
    const store = new StoredAttempt();
    await runTestLoop(model, { store });
    const { messages } = store.state;
    for (const request of model.requests) {
      expect(request.messages).toEqual(messages.slice(0, request.messages.length));
      expect(request).toMatchObject({ system: testAttempt.prompt.system, toolsJson: "[]", outputSchemaJson: null });
    }
  });

  test("records usage, cost, time and bounded texts of its steps", async () => {
    const store = new StoredAttempt();
    const long = "x".repeat(maxStepCharacters + 1);
    const script = inOrder([{ text: long, calls: [{ id: "c1", name: "read_file", input: { path: long } }] }, finish()]);
    await runTestLoop(scriptedModel(script), { store });
    const [model, tool] = store.steps;
    const usage = { inputTokens: 10, cacheWriteTokens: 100, cacheReadTokens: 1_000, outputTokens: 50 };
    expect(model).toMatchObject({
      name: "claude-sonnet-5-5",
      input: "Work on this.",
      usage,
      costMicroUsd: callCostMicroUsd(usage, testAttempt.price),
      durationMs: 10,
      stopReason: "tool_use",
    });
    expect(model?.output).toHaveLength(maxStepCharacters);
    expect(tool?.input).toHaveLength(maxStepCharacters);
    expect(tool?.input).toMatch(/cut: \d+ characters in all/u);
  });

  test("lets the last change of a path win, and hands over what tools made", async () => {
    const store = new StoredAttempt();
    const artifact = {
      type: "ANALYSIS",
      name: "Report",
      content: "…",
      filePath: null,
      diffPatch: null,
      metadata: {},
      files: [],
    } as const;
    const script = inOrder([
      {
        calls: [
          { id: "c1", name: "first" },
          { id: "c2", name: "second" },
        ],
      },
      finish(),
    ]);
    await runTestLoop(scriptedModel(script), {
      store,
      ports: {
        runTool: ({ name }) =>
          Promise.resolve(execution("ok", { workspace: [{ path: "a.ts", content: name }], artifacts: [artifact] })),
      },
    });
    expect(store.checkpoints[1]).toMatchObject({
      workspace: [{ path: "a.ts", content: "second" }],
      artifacts: [artifact, artifact],
    });
  });
});

describe("a tool that fails", () => {
  test("is recoverable: the model reads the error and goes on", async () => {
    const store = new StoredAttempt();
    const script = inOrder([{ calls: [{ id: "c1", name: "no_such_tool" }] }, finish()]);
    const stop = await runTestLoop(scriptedModel(script), {
      store,
      ports: {
        runTool: ({ name }) =>
          Promise.resolve(name === "finish" ? execution("ok") : execution("There is no such tool.", { isError: true })),
      },
    });
    expect(stop).toEqual(finishedRun);
    expect(store.steps[1]).toMatchObject({ isError: true, output: "There is no such tool." });
    expect(store.checkpoints[1]?.appendedMessages[0]).toContain('"is_error":true');
    expect(store.checkpoints[1]?.logs).toMatchObject([{ level: "WARN" }]);
  });

  test("does not end the job when it is finish itself", async () => {
    const script = inOrder([finish("c1", "too early"), finish("c2")]);
    const answers = [execution("The summary is too short.", { isError: true }), execution("ok")];
    const stop = await runTestLoop(scriptedModel(script), {
      ports: { runTool: () => Promise.resolve(answers.shift() ?? execution("none left")) },
    });
    expect(stop).toEqual(finishedRun);
  });

  test("for a reason of ours is thrown, and its turn is not saved", async () => {
    const store = new StoredAttempt();
    const run = runTestLoop(scriptedModel(inOrder(wholeRun)), {
      store,
      ports: { runTool: () => Promise.reject(new Error("object unreachable")) },
    });
    await expect(run).rejects.toThrow("object unreachable");
    expect(store.checkpoints).toHaveLength(1);
  });
});

describe("the calls of one turn", () => {
  const turn = (names: readonly string[]): ScriptedTurn => ({
    calls: names.map((name, index) => ({ id: `c${index}`, name, input: { index } })),
  });

  /** Runs one turn of these calls and tells when each began and ended. */
  async function orderOf(names: readonly string[]): Promise<string[]> {
    const order: string[] = [];
    await runTestLoop(scriptedModel(inOrder([turn(names), finish()])), {
      ports: {
        runTool: async ({ name }) => {
          order.push(`${name} begins`);
          // What was begun together has begun before any of it ends.
          await new Promise(setImmediate);
          order.push(`${name} ends`);
          return execution("ok");
        },
      },
    });
    return order.filter((event) => !event.startsWith("finish"));
  }

  test("are told the numbers of the steps that they become, the same after a kill", async () => {
    const store = new StoredAttempt();
    const numbers: number[] = [];
    let kills = 1;
    const runTool: LoopPorts["runTool"] = (call, stepNumber) => {
      numbers.push(stepNumber);
      if (call.name === "git_diff" && kills-- > 0) return Promise.reject(new Error("killed"));
      return Promise.resolve(execution("ok"));
    };
    const model = scriptedModel(inOrder([turn(["read_file", "write_file", "git_diff"]), finish()]));
    await expect(runTestLoop(model, { store, ports: { runTool } })).rejects.toThrow("killed");
    await runTestLoop(model, { store, ports: { runTool } });
    expect(numbers).toEqual([2, 3, 4, 2, 3, 4, 6]);
    expect(store.steps.filter(({ kind }) => kind === "tool").map(({ number }) => number)).toEqual([2, 3, 4, 6]);
  });

  test("run together where they only read", async () => {
    expect(await orderOf(["read_file", "search_code"])).toEqual([
      "read_file begins",
      "search_code begins",
      "read_file ends",
      "search_code ends",
    ]);
  });

  test("run alone where they change something, after those before and before those behind", async () => {
    expect(await orderOf(["read_file", "write_file", "edit_file", "list_files", "search_code"])).toEqual([
      "read_file begins",
      "read_file ends",
      "write_file begins",
      "write_file ends",
      "edit_file begins",
      "edit_file ends",
      "list_files begins",
      "search_code begins",
      "list_files ends",
      "search_code ends",
    ]);
  });
});

describe("an agent that gets nowhere", () => {
  const reading = ({ length }: { readonly length: number }): ScriptedTurn => ({
    calls: [{ id: `c${length}`, name: "read_file", input: { path: "a" } }],
  });

  test("is told once after the same call three times, and stopped at the next", async () => {
    const store = new StoredAttempt();
    const model = scriptedModel(reading);
    expect(await runTestLoop(model, { store })).toEqual({ kind: "stuck" });
    expect(model.requests).toHaveLength(4);
    expect(store.state.messages.filter((message) => message === stuckMessage)).toHaveLength(1);
    expect(store.checkpoints[5]?.appendedMessages.at(-1)).toBe(stuckMessage);
  });

  test("is stopped at the same place when it was resumed in between", async () => {
    const undisturbed = new StoredAttempt();
    await runTestLoop(scriptedModel(reading), { store: undisturbed });
    for (const boundary of undisturbed.checkpoints.keys()) {
      const store = new StoredAttempt(undisturbed.stateAfter(boundary));
      expect(await runTestLoop(scriptedModel(reading), { store })).toEqual({ kind: "stuck" });
      expect(store.state.messages).toEqual(undisturbed.state.messages);
    }
  });

  test("may look again at what it has changed in between", async () => {
    const looks = (id: string, text: string): ScriptedTurn => ({
      calls: [
        { id: `e${id}`, name: "edit_file", input: { path: "a", newText: text } },
        { id: `d${id}`, name: "git_diff" },
      ],
    });
    const store = new StoredAttempt();
    const script = inOrder([looks("1", "a"), looks("2", "b"), looks("3", "c"), looks("4", "d"), finish()]);
    expect(await runTestLoop(scriptedModel(script), { store })).toEqual(finishedRun);
    expect(store.state.messages).not.toContain(stuckMessage);
  });

  test("is seen to turn in circles although it changes something each time", async () => {
    const turns = ["a", "b"];
    const model = scriptedModel(({ length }) => ({
      calls: [{ id: `c${length}`, name: "write_file", input: { path: "x", content: turns[(length >> 1) % 2] } }],
    }));
    expect(await runTestLoop(model)).toEqual({ kind: "stuck" });
  });

  test("is stopped after many calls that all fail, however different", async () => {
    const limits = { ...testAttempt.limits, stuck: { repeatedCalls: 3, idleCalls: 4 } };
    const model = scriptedModel(({ length }) => ({
      calls: [{ id: `c${length}`, name: "read_file", input: { path: `${length}` } }],
    }));
    const ports = { runTool: () => Promise.resolve(execution("There is no such file.", { isError: true })) };
    expect(await runTestLoop(model, { attempt: { limits }, ports })).toEqual({ kind: "stuck" });
    expect(model.requests).toHaveLength(8);
  });
});

describe("an agent that runs short", () => {
  const working = scriptedModel(({ length }) => ({
    calls: [{ id: `c${length}`, name: "read_file", input: { path: `${length}` } }],
  }));

  test.each([
    ["steps", { steps: 10 }],
    ["tokens", { tokens: 11_600 }],
    ["time", { runningMs: 5_000 }],
    ["money", { costMicroUsd: 45_000 }],
  ] as const)("of %s is told once to wrap up, at four fifths", async (scarcity, ceiling) => {
    const store = new StoredAttempt();
    const limits = { ...testAttempt.limits, steps: 1_000, ...ceiling };
    const ports = { ranForMs: () => store.checkpoints.length * 500 };
    const stop = await runTestLoop(working, { store, attempt: { limits, maxTokens: 1 }, ports });
    expect(stop.kind).toBe(scarcity === "money" ? "budget" : scarcity);
    const told = store.state.messages.flatMap((message, at) => (message === wrapUpMessage(scarcity) ? [at] : []));
    expect(told).toHaveLength(1);
    const [most = 0] = Object.values(ceiling);
    const wasUsed = usedBefore(store, told[0] ?? 0)[scarcity] / most;
    expect(wasUsed).toBeGreaterThanOrEqual(0.8);
    expect(wasUsed).toBeLessThan(1);
  });
});

/** What had been used at the checkpoint that this message came with. */
function usedBefore(store: StoredAttempt, messageAt: number) {
  const checkpoints = store.checkpoints.findIndex((_, at) => store.stateAfter(at + 1).messages.length > messageAt) + 1;
  const { stepCount, tokenCount } = store.stateAfter(checkpoints);
  const steps = store.checkpoints.slice(0, checkpoints).flatMap((draft) => draft.steps);
  const costMicroUsd = steps.reduce((sum, step) => sum + step.costMicroUsd, 0);
  return { steps: stepCount, tokens: tokenCount, time: (checkpoints - 1) * 500, money: costMicroUsd };
}

describe("a resumed run", () => {
  const boundaries = Array.from({ length: 8 }, (_, index) => index);

  test.each(boundaries)(
    "from checkpoint %i ends with the same transcript, repeating no saved call",
    async (boundary) => {
      const undisturbed = new StoredAttempt();
      const firstModel = scriptedModel(inOrder(wholeRun));
      await runTestLoop(firstModel, { store: undisturbed });

      const store = new StoredAttempt(undisturbed.stateAfter(boundary));
      const model = scriptedModel(inOrder(wholeRun));
      expect(await runTestLoop(model, { store })).toEqual(finishedRun);
      expect(store.state.messages).toEqual(undisturbed.state.messages);
      expect(store.state.stepCount).toBe(undisturbed.state.stepCount);
      const savedCalls = undisturbed.checkpoints.slice(0, boundary).flatMap((draft) => draft.steps);
      const repeated = savedCalls.filter((step) => step.kind === "model").length;
      expect(model.requests).toHaveLength(firstModel.requests.length - repeated);
    },
  );

  test("stays refused, although its transcript holds no stop reason", async () => {
    const store = new StoredAttempt();
    const script = inOrder([{ text: "I cannot help with that.", stopReason: "refusal" }]);
    expect(await runTestLoop(scriptedModel(script), { store })).toEqual({ kind: "refused" });
    const model = scriptedModel(inOrder([]));
    expect(await runTestLoop(model, { store: new StoredAttempt(store.state) })).toEqual({ kind: "refused" });
    expect(model.requests).toEqual([]);
  });
});

describe("an answer that breaks off", () => {
  test("never has its tool calls run; all are answered as not run", async () => {
    const store = new StoredAttempt();
    const ran: string[] = [];
    const script = inOrder([
      {
        text: "I write it.",
        calls: [
          { id: "c1", name: "write_file", input: { path: "a" } },
          { id: "c2", name: "write_file", input: {} },
        ],
        stopReason: "max_tokens",
      },
      finish(),
    ]);
    const stop = await runTestLoop(scriptedModel(script), {
      store,
      ports: {
        runTool: ({ id }) => {
          ran.push(id);
          return Promise.resolve(execution("ok"));
        },
      },
    });
    expect(stop).toEqual(finishedRun);
    expect(ran).toEqual(["c9"]);
    const [, notRun] = store.checkpoints[0]?.appendedMessages ?? [];
    expect(JSON.parse(notRun ?? "")).toMatchObject({
      content: [
        { tool_use_id: "c1", is_error: true },
        { tool_use_id: "c2", is_error: true },
      ],
    });
  });

  test("in words goes on in a new turn", async () => {
    const store = new StoredAttempt();
    const script = inOrder([{ text: "Half a sent", stopReason: "max_tokens" }, finish()]);
    expect(await runTestLoop(scriptedModel(script), { store })).toEqual(finishedRun);
    expect(store.checkpoints[0]?.appendedMessages[1]).toBe(goOnMessage);
    expect(store.checkpoints[0]?.logs).toMatchObject([{ level: "INFO" }, { level: "WARN" }]);
  });
});

describe("an agent that ends its turn without finishing", () => {
  test("is reminded once, then its words are the summary", async () => {
    const store = new StoredAttempt();
    const script = inOrder([{ text: "Done, I think." }, { text: "Really done." }]);
    expect(await runTestLoop(scriptedModel(script), { store })).toEqual({
      kind: "done",
      summary: "Really done.",
      answer: null,
    });
    expect(store.state.messages.filter((message) => message === finishReminder)).toHaveLength(1);
  });

  test("and says nothing at all fails the attempt, without sending an empty message", async () => {
    const store = new StoredAttempt();
    const stop = await runTestLoop(
      scriptedModel((transcript) => (transcript.length > 3 ? finish() : {})),
      { store },
    );
    expect(stop).toMatchObject({ kind: "failed", failureClass: "permanent", reason: "empty_answer" });
    expect(store.state.messages.some((message) => message.includes('"content":[]'))).toBe(false);
  });
});

describe("an agent that answers with data", () => {
  const answer = z.object({ size: z.int() });

  test("ends with the parsed data", async () => {
    const model = scriptedModel(inOrder([{ text: '{"size":3}' }]));
    expect(await runTestLoop(model, { attempt: { answer } })).toMatchObject({ kind: "done", answer: { size: 3 } });
  });

  test.each(["not JSON", '{"size":"large"}'])("is asked once more after %s", async (text) => {
    const store = new StoredAttempt();
    const model = scriptedModel(inOrder([{ text }, { text: '{"size":3}' }]));
    expect(await runTestLoop(model, { attempt: { answer }, store })).toMatchObject({ answer: { size: 3 } });
    expect(store.state.messages).toContain(answerReminder);
  });

  test("fails when the second answer cannot be read either", async () => {
    const model = scriptedModel(inOrder([{ text: "?" }, { text: "??" }]));
    expect(await runTestLoop(model, { attempt: { answer } })).toMatchObject({
      kind: "failed",
      failureClass: "permanent",
      reason: "unreadable_answer",
    });
  });

  test("may use tools first", async () => {
    const model = scriptedModel(inOrder([{ calls: [{ id: "c1", name: "read_file" }] }, { text: '{"size":3}' }]));
    expect(await runTestLoop(model, { attempt: { answer } })).toMatchObject({ kind: "done", answer: { size: 3 } });
  });
});

describe("a stop", () => {
  test("comes at the limit of steps", async () => {
    const model = scriptedModel(({ length }) => ({ calls: [{ id: `c${length}`, name: "list_files" }] }));
    const limits = { ...testAttempt.limits, steps: 4 };
    expect(await runTestLoop(model, { attempt: { limits } })).toEqual({ kind: "steps", limit: 4 });
    expect(model.requests).toHaveLength(2);
  });

  test("comes at the limit of steps, counting earlier attempts", async () => {
    const limits = { ...testAttempt.limits, steps: 4 };
    const stop = await runTestLoop(scriptedModel(inOrder([])), { attempt: { limits, earlierSteps: 4 } });
    expect(stop).toEqual({ kind: "steps", limit: 4 });
  });

  test("comes at the limit of tokens, counting what was used before", async () => {
    const limits = { ...testAttempt.limits, tokens: 10_000 };
    const store = new StoredAttempt({
      messages: [firstMessage],
      stepCount: 0,
      costMicroUsd: 0,
      tokenCount: 9_000,
      lastUsage: null,
    });
    const model = scriptedModel(inOrder(wholeRun));
    expect(await runTestLoop(model, { attempt: { limits }, store })).toEqual({ kind: "tokens", limit: 10_000 });
    expect(model.requests).toHaveLength(1);
  });

  test("comes at the limit of time, counting earlier slices", async () => {
    let ranForMs = 1_000;
    const model = scriptedModel(inOrder(wholeRun));
    const limits = { ...testAttempt.limits, runningMs: 2_000 };
    const stop = await runTestLoop(model, { attempt: { limits }, ports: { ranForMs: () => (ranForMs += 600) } });
    expect(stop).toEqual({ kind: "time", limitMs: 2_000 });
    expect(model.requests).toHaveLength(1);
  });

  test.each(["yielded", "paused"] as const)("comes before the next call or tool when it has to be %s", async (kind) => {
    const store = new StoredAttempt();
    const pendingStop = () => (store.checkpoints.length === 1 ? kind : null);
    const stop = await runTestLoop(scriptedModel(inOrder(wholeRun)), { store, ports: { pendingStop } });
    expect(stop).toEqual({ kind });
    expect(store.checkpoints).toHaveLength(1);
  });

  test("comes when another slice holds the job", async () => {
    const ports = { saveCheckpoint: () => Promise.resolve(false) };
    expect(await runTestLoop(scriptedModel(inOrder(wholeRun)), { ports })).toEqual({ kind: "stale" });
  });

  test.each(["stale", "yielded", "cancelled"] as const)(
    "comes by an abort that says %s, and saves nothing more",
    async (kind) => {
      const store = new StoredAttempt();
      const abort = new AbortController();
      const stop = await runTestLoop(scriptedModel(inOrder(wholeRun)), {
        store,
        signal: abort.signal,
        ports: {
          runTool: () => {
            abort.abort(new SliceAborted(kind, "test"));
            return Promise.resolve(execution("too late"));
          },
        },
      });
      expect(stop).toEqual({ kind });
      expect(store.checkpoints).toHaveLength(1);
    },
  );

  test("settles the call that an abort leaves without an answer, with what was seen of it", async () => {
    const abort = new AbortController();
    const seen = { inputTokens: 7, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 1 };
    const model: ModelPort = {
      call: (_request, { signal, onUsage }) => {
        onUsage(seen);
        abort.abort(new SliceAborted("cancelled", "test"));
        signal.throwIfAborted();
        throw new Error("an abort has a reason");
      },
    };
    const settled: unknown[] = [];
    const settle = (...call: unknown[]): Promise<void> => {
      settled.push(call);
      return Promise.resolve();
    };
    const money = { ...freeMoney, settle };
    expect(await runTestLoop(model, { signal: abort.signal, ports: { money } })).toEqual({ kind: "cancelled" });
    expect(settled).toEqual([[1, seen]]);
  });

  test("comes by a failed call, with its class and its wait", async () => {
    const failure = { failureClass: "transient", reason: "overloaded", message: "busy", retryAfterMs: 5_000 } as const;
    const model = scriptedModel(() => Promise.reject(new ModelCallError({ ...failure, reached: false })));
    expect(await runTestLoop(model)).toEqual({ kind: "failed", ...failure, isModelFault: true });
  });

  test("comes by a call that takes too long", async () => {
    const hangs = {
      call: async (_request: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
        await once(signal, "abort");
        signal.throwIfAborted();
        throw new Error("an abort has a reason");
      },
    };
    const limits = { ...testAttempt.limits, modelCallMaxMs: 5 };
    expect(await runTestLoop(hangs, { attempt: { limits } })).toMatchObject({
      kind: "failed",
      failureClass: "transient",
      reason: "call_timeout",
    });
  });

  test.each([
    ["model_context_window_exceeded", "context_full", "permanent"],
    ["something_new", "unknown_stop", "final"],
  ])("comes by the stop reason %s", async (stopReason, reason, failureClass) => {
    const stop = await runTestLoop(scriptedModel(inOrder([{ text: "…", stopReason }])));
    expect(stop).toMatchObject({ kind: "failed", failureClass, reason });
  });
});
