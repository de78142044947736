/** The simulator can fail: each rule about money, broken on purpose, is noticed. */
import { describe, expect, test } from "vitest";
import type { ObjectHost } from "./object-host.ts";
import { propertyOf, textOf } from "./properties.ts";
import { honest, inScenarios, noticed, replaced, withIssues } from "./sabotage-tools.ts";

describe("a run notices", () => {
  test("money that is spent twice", async () => {
    const careless = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "reserve" ? replaced(command, "amountMicroUsd", 1) : command);
    expect(await noticed({ carryOut: careless }, /micro-dollars too much are/u, 600)).toBe(true);
  });

  test("money of a month that is spent twice", async () => {
    const poor = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "reserve" ? replaced(command, "amountMicroUsd", 1) : command);
    const monthly = inScenarios(({ organizations }) => ({
      organizations: organizations.map((organization) => ({
        ...organization,
        settings: organization.settings.map((settings) => ({ ...settings, monthlyBudgetMicroUsd: 1_500 })),
      })),
    }));
    expect(await noticed({ carryOut: poor, ...monthly }, /micro-dollars too much are/u)).toBe(true);
  });

  test("a job that costs more than its submission allows", async () => {
    const careless = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "reserve" ? replaced(command, "amountMicroUsd", 1) : command);
    const capped = withIssues({ maxCostMicroUsd: 500 });
    expect(await noticed({ carryOut: careless, ...capped }, /more than its ceiling/u)).toBe(true);
  });

  test("money that is set aside though the budget was lowered below what is spent", async () => {
    const lowered = inScenarios(({ organizations }) => ({
      organizations: organizations.map((organization) => ({
        ...organization,
        settings: organization.settings.flatMap((settings) => [
          { ...settings, monthlyBudgetMicroUsd: null },
          { ...settings, afterMs: 15_000, monthlyBudgetMicroUsd: 10 },
        ]),
      })),
    }));
    expect(await noticed(lowered, /micro-dollars too much are/u, 20)).toBe("nothing was noticed");
    const generous = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method !== "reserve" || propertyOf(answer, "kind") !== "refused") return answer;
      host.disk.query(
        `INSERT INTO reservations (job_id, issue_id, attempt, step_number, amount_micro_usd, reserved_at_ms)
         SELECT id, issue_id, 1, 1, 1000, ? FROM jobs WHERE id = ?`,
        host.nowMs(),
        textOf(command, "jobId"),
      );
      host.evict();
      return { kind: "reserved" };
    };
    expect(await noticed({ carryOut: generous, ...lowered }, /micro-dollars too much are/u)).toBe(true);
  });
});
