import { describe, expect, test } from "vitest";
import type { AdminCommand } from "../../src/contracts/platform-rpc.ts";
import type { Switch } from "../../src/contracts/switches.ts";
import { decideAction } from "../../src/durable-objects/platform/switch-actions.ts";

const scope = { kind: "organization", value: "org-a" } as const;
const root = { kind: "platform", name: "root" } as const;
const boss = { kind: "organization", name: "user-1" } as const;
const nowMs = 1_000;

function aSwitch(changes: Partial<Switch> = {}): Switch {
  return { id: "swi_1", scope, mode: "hold", actor: root, reason: "x", createdAtMs: 0, expiresAtMs: null, ...changes };
}

const decide = (action: AdminCommand["action"], switches: readonly Switch[], actor: AdminCommand["actor"] = root) =>
  decideAction({ action, scope, actor }, switches, nowMs);

describe("an administrator's action", () => {
  test.each([
    ["nothing stands yet", [], "set"],
    ["another scope is held", [aSwitch({ scope: { kind: "platform" } })], "set"],
    ["the hold ends by itself", [aSwitch({ expiresAtMs: nowMs + 1 })], "set"],
    ["the organization itself holds", [aSwitch({ actor: boss })], "set"],
    ["a drain stands", [aSwitch({ mode: "drain" })], "set"],
    ["the same hold stands", [aSwitch()], "nothing"],
  ])("to pause, when %s", (_name, switches, kind) => {
    expect(decide("pause", switches).kind).toBe(kind);
  });

  test("to resume takes away holds and drains of exactly its scope, and nothing else", () => {
    const [hold, drain] = [aSwitch(), aSwitch({ id: "swi_2", mode: "drain" })];
    const others = [aSwitch({ mode: "refuse" }), aSwitch({ mode: "abort" }), aSwitch({ scope: { kind: "platform" } })];
    expect(decide("resume", [hold, ...others, drain])).toEqual({ kind: "remove", switches: [hold, drain] });
    expect(decide("resume", others)).toEqual({ kind: "nothing" });
  });

  test("of an organization leaves what the platform set", () => {
    const own = aSwitch({ id: "swi_2", actor: boss });
    expect(decide("resume", [aSwitch(), own], boss)).toEqual({ kind: "remove", switches: [own] });
    expect(decide("resume", [aSwitch()], boss)).toEqual({ kind: "nothing" });
  });

  test("to drain and to clear", () => {
    expect(decide("drain", [aSwitch()])).toEqual({ kind: "set", mode: "drain" });
    expect(decide("clear", [])).toEqual({ kind: "clear" });
  });
});
