import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { modelNames, modelTable } from "../../src/contracts/models.ts";
import { describeError, errorSpecs } from "../../src/core/errors.ts";
import { idAfter, idPattern, increasingUlids, newId } from "../../src/core/ids.ts";
import { createLogger, type LogLevel } from "../../src/core/log.ts";
import { addUsage, callCostMicroUsd, noUsage, type TokenUsage } from "../../src/core/money.ts";

const usage = (parts: Partial<TokenUsage>): TokenUsage => ({ ...noUsage, ...parts });

const anyUsage = fc.record({
  inputTokens: fc.nat(1_000_000),
  cacheWriteTokens: fc.nat(1_000_000),
  cacheReadTokens: fc.nat(1_000_000),
  outputTokens: fc.nat(128_000),
});

describe("cost of a model call", () => {
  test.each([
    ["sonnet input", "sonnet", usage({ inputTokens: 1_000_000 }), 2_000_000],
    ["sonnet output", "sonnet", usage({ outputTokens: 1_000_000 }), 10_000_000],
    ["sonnet cache write", "sonnet", usage({ cacheWriteTokens: 1_000_000 }), 2_500_000],
    ["sonnet cache read", "sonnet", usage({ cacheReadTokens: 1_000_000 }), 100_000],
    [
      "opus, all four classes",
      "opus",
      { inputTokens: 10, cacheWriteTokens: 20, cacheReadTokens: 30, outputTokens: 40 },
      946,
    ],
    ["haiku below its threshold", "haiku", usage({ inputTokens: 100_000 }), 10_000],
    [
      "haiku above its threshold, output included",
      "haiku",
      usage({ inputTokens: 100_001, outputTokens: 1_000 }),
      52_501,
    ],
    ["a fraction is rounded up", "haiku", usage({ inputTokens: 1 }), 1],
    ["nothing costs nothing", "opus", noUsage, 0],
  ] as const)("%s", (_name, model, tokens, expectedMicroUsd) => {
    expect(callCostMicroUsd(tokens, modelTable[model].price)).toBe(expectedMicroUsd);
  });

  test("is a safe integer, and never falls when tokens are added", () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, fc.constantFrom(...modelNames), (left, right, model) => {
        const { price } = modelTable[model];
        const cost = callCostMicroUsd(addUsage(left, right), price);
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(cost).toBeGreaterThanOrEqual(callCostMicroUsd(left, price));
      }),
    );
  });
});

describe("ids", () => {
  test("carry their kind and sort by time", () => {
    const earlier = newId("issue", 1_700_000_000_000);
    const later = newId("issue", 1_700_000_000_001);
    expect(earlier).toMatch(idPattern("issue"));
    expect(earlier).not.toMatch(idPattern("job"));
    expect([later, earlier].sort()).toEqual([earlier, later]);
  });

  test("of one place sort in the order in which they were made, whatever its clock does", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 50 }), (stepsMs) => {
        const ulidAt = increasingUlids();
        let nowMs = 1_700_000_000_000;
        const ids = stepsMs.map((stepMs) => newId("job", (nowMs += stepMs), ulidAt));
        expect(ids.toSorted()).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(idPattern("job"));
      }),
    );
  });

  test("can be had after another, whatever clock and chance say", () => {
    const first = newId("message", 1_700_000_000_000);
    const second = newId("message", 1_700_000_000_001);
    expect(idAfter(first, null)).toBe(first);
    expect(idAfter(second, first)).toBe(second);
    const third = idAfter(first, second);
    expect(third).toMatch(idPattern("message"));
    expect([third, second].sort()).toEqual([second, third]);
    expect(idAfter(third, third) > third).toBe(true);
  });
});

describe("errors", () => {
  test("say who must act, with a status that fits", () => {
    for (const [code, spec] of Object.entries(errorSpecs)) {
      const isServerFault = spec.status >= 500;
      expect([code, spec.actor !== "caller"]).toEqual([code, isServerFault]);
    }
  });

  test("of any thrown value have a text", () => {
    expect(describeError(new TypeError("no"))).toBe("TypeError: no");
    expect(describeError("plain")).toBe("plain");
    expect(describeError({ a: 1 })).toBe('{"a":1}');
    expect(describeError(undefined)).toBe("undefined");
  });
});

describe("logs", () => {
  test("are one JSON object a line, with the fields of every parent", () => {
    const lines: [LogLevel, string][] = [];
    const logger = createLogger({ correlationId: "req_1" }, (level, line) => lines.push([level, line]));
    logger.with({ jobId: "job_1" }).warn("Lease lost", { epoch: 3 });
    expect(lines.map(([level, line]) => [level, JSON.parse(line) as unknown])).toEqual([
      ["WARN", { level: "WARN", message: "Lease lost", correlationId: "req_1", jobId: "job_1", epoch: 3 }],
    ]);
  });
});
