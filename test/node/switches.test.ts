import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { modelNames } from "../../src/contracts/models.ts";
import {
  decideEffect,
  decideRunning,
  decideStart,
  decideSubmission,
  heldJobs,
  isDebuggedJob,
  moduleOf,
  nextExpiryMs,
  type SwitchSubject,
  toolsOff,
} from "../../src/contracts/switch-evaluation.ts";
import {
  isModeOfScope,
  settingSwitches,
  type Switch,
  switchModes,
  type SwitchScope,
  switchSchema,
} from "../../src/contracts/switches.ts";

const nowMs = 1_000_000;
const subject: SwitchSubject = {
  organizationId: "org-a",
  agentType: "briefs.status-workflow",
  model: "sonnet",
  jobId: null,
};

function aSwitch(changes: Partial<Switch> = {}): Switch {
  return {
    id: "swi_1",
    scope: { kind: "platform" },
    mode: "hold",
    actor: { kind: "platform", name: "root" },
    reason: "maintenance",
    createdAtMs: 0,
    expiresAtMs: null,
    ...changes,
  };
}

const concerning: readonly SwitchScope[] = [
  { kind: "platform" },
  { kind: "organization", value: "org-a" },
  { kind: "module", value: "briefs" },
  { kind: "agent", value: "briefs.status-workflow" },
  { kind: "model", value: "sonnet" },
];
const foreign: readonly SwitchScope[] = [
  { kind: "organization", value: "org-b" },
  { kind: "module", value: "time" },
  { kind: "agent", value: "briefs.other" },
  { kind: "model", value: "opus" },
];

describe("a switch of every scope", () => {
  test.each(concerning)("$kind $value decides on what it names", (scope) => {
    const hold = aSwitch({ scope });
    expect(decideStart([hold], subject, nowMs)).toEqual({ kind: "hold", by: hold });
    expect(decideRunning([hold], subject, nowMs)).toEqual({ kind: "go_on" });
    const drain = aSwitch({ scope, mode: "drain" });
    expect(decideStart([drain], subject, nowMs)).toEqual({ kind: "hold", by: drain });
    expect(decideRunning([drain], subject, nowMs)).toEqual({ kind: "yield", by: drain });
    const abort = aSwitch({ scope, mode: "abort" });
    expect(decideStart([abort], subject, nowMs)).toEqual({ kind: "hold", by: abort });
    expect(decideRunning([abort], subject, nowMs)).toEqual({ kind: "abort", by: abort });
    const refuse = aSwitch({ scope, mode: "refuse" });
    expect(decideStart([refuse], subject, nowMs)).toEqual({ kind: "start" });
    expect(decideSubmission([refuse], subject, nowMs)).toEqual({ kind: "refuse", by: refuse, retryAfterSeconds: 300 });
    expect(decideSubmission([hold, drain, abort], subject, nowMs)).toEqual({ kind: "accept" });
    const debug = aSwitch({ scope, mode: "debug" });
    expect(decideStart([debug], subject, nowMs)).toEqual({ kind: "start" });
    expect(decideRunning([debug], subject, nowMs)).toEqual({ kind: "go_on" });
  });

  test.each(foreign)("$kind $value leaves everything else alone", (scope) => {
    const all = switchModes.map((mode) => aSwitch({ scope, mode }));
    expect(decideSubmission(all, subject, nowMs)).toEqual({ kind: "accept" });
    expect(decideStart(all, subject, nowMs)).toEqual({ kind: "start" });
    expect(decideRunning(all, subject, nowMs)).toEqual({ kind: "go_on" });
  });
});

describe("several switches", () => {
  test("the strongest decides, and of equal ones the oldest", () => {
    const newer = aSwitch({ id: "swi_3", mode: "drain", createdAtMs: 3 });
    const older = aSwitch({ id: "swi_2", mode: "drain", createdAtMs: 2, scope: { kind: "model", value: "sonnet" } });
    const hold = aSwitch({ id: "swi_1", createdAtMs: 1 });
    expect(decideStart([hold, newer, older], subject, nowMs)).toEqual({ kind: "hold", by: older });
  });

  test("a refused caller comes back when the last of them ends", () => {
    const early = aSwitch({ mode: "refuse", expiresAtMs: nowMs + 1 });
    const late = aSwitch({ mode: "refuse", expiresAtMs: nowMs + 60_001 });
    expect(decideSubmission([late, early], subject, nowMs)).toMatchObject({ by: late, retryAfterSeconds: 61 });
    const endless = aSwitch({ mode: "refuse" });
    expect(decideSubmission([late, endless], subject, nowMs)).toMatchObject({ by: endless, retryAfterSeconds: 300 });
  });

  test("expire one by one", () => {
    const at = (expiresAtMs: number | null) => aSwitch({ expiresAtMs });
    expect(nextExpiryMs([at(null), at(nowMs), at(nowMs + 2), at(nowMs + 1)], nowMs)).toBe(nowMs + 1);
    expect(nextExpiryMs([at(null), at(nowMs)], nowMs)).toBeNull();
  });
});

describe("effects, tools and settings", () => {
  const pullRequest = { organizationId: "org-a", feature: "pull_requests" } as const;
  const off = aSwitch({ scope: { kind: "feature", value: "pull_requests" }, mode: "off" });

  test.each([
    ["the feature is off", off, true],
    ["the platform holds", aSwitch(), true],
    ["the organization drains", aSwitch({ mode: "drain", scope: { kind: "organization", value: "org-a" } }), true],
    ["another organization holds", aSwitch({ scope: { kind: "organization", value: "org-b" } }), false],
    ["an agent is held", aSwitch({ scope: { kind: "agent", value: "briefs.status-workflow" } }), false],
    ["submissions are refused", aSwitch({ mode: "refuse" }), false],
    ["the feature was off", { ...off, expiresAtMs: nowMs }, false],
  ])("an effect while %s", (_name, by, waits) => {
    expect(decideEffect([by], pullRequest, nowMs)).toEqual(waits ? { kind: "wait", by } : { kind: "run" });
  });

  test("a tool is off as long as its switch is in force", () => {
    const tool = aSwitch({ scope: { kind: "tool", value: "edit_file" }, mode: "off", expiresAtMs: nowMs + 1 });
    expect(toolsOff([tool, off], nowMs)).toEqual(["edit_file"]);
    expect(toolsOff([tool], nowMs + 1)).toEqual([]);
  });

  test("AGENT_ENABLED is a switch that refuses on the whole platform", () => {
    expect(settingSwitches({ agentEnabled: true, agentDebug: false })).toEqual([]);
    const [by] = settingSwitches({ agentEnabled: false, agentDebug: false });
    expect(switchSchema.parse(by)).toEqual(by);
    expect(decideSubmission(by === undefined ? [] : [by], subject, nowMs).kind).toBe("refuse");
  });

  test("AGENT_DEBUG is a switch that debugs everything", () => {
    const [by] = settingSwitches({ agentEnabled: true, agentDebug: true });
    expect(switchSchema.parse(by)).toEqual(by);
    expect(isDebuggedJob(by === undefined ? [] : [by], subject, nowMs)).toBe(true);
  });

  const jobId = "job_01M9EXB6NPD2AA77WZWHERZ457";
  test.each([
    ["its job", { kind: "job", value: jobId, organizationId: "org-a" }, true],
    ["the same id elsewhere", { kind: "job", value: jobId, organizationId: "org-b" }, false],
    ["its agent", { kind: "agent", value: "briefs.status-workflow" }, true],
    ["another agent", { kind: "agent", value: "briefs.other" }, false],
    ["its organization", { kind: "organization", value: "org-a" }, true],
    ["another organization", { kind: "organization", value: "org-b" }, false],
  ] as const)("a job is debugged by a switch for %s: %j", (_name, scope, expected) => {
    const by = aSwitch({ scope, mode: "debug", expiresAtMs: nowMs + 1 });
    expect(isDebuggedJob([by], { ...subject, jobId }, nowMs)).toBe(expected);
    expect(isDebuggedJob([by], { ...subject, jobId }, nowMs + 1)).toBe(false);
    expect(decideStart([by], { ...subject, jobId }, nowMs).kind).toBe("start");
  });

  test("a job is debugged and nothing else", () => {
    expect(switchModes.filter((mode) => isModeOfScope("job", mode))).toEqual(["debug"]);
  });

  test("only tools and features are off, and they are nothing else", () => {
    expect(switchModes.filter((mode) => isModeOfScope("feature", mode))).toEqual(["off"]);
    expect(switchModes.filter((mode) => isModeOfScope("agent", mode))).not.toContain("off");
  });
});

const agents = ["briefs.status-workflow", "briefs.other", "time.billing", "meta.triage"] as const;
const organizations = ["org-a", "org-b"] as const;
const scopes: fc.Arbitrary<SwitchScope> = fc.oneof(
  fc.constant<SwitchScope>({ kind: "platform" }),
  fc.constantFrom(...organizations).map((value): SwitchScope => ({ kind: "organization", value })),
  fc.constantFrom("briefs", "time", "meta").map((value): SwitchScope => ({ kind: "module", value })),
  fc.constantFrom(...agents).map((value): SwitchScope => ({ kind: "agent", value })),
  fc.constantFrom(...modelNames).map((value): SwitchScope => ({ kind: "model", value })),
  fc.constant<SwitchScope>({ kind: "feature", value: "pull_requests" }),
);
const switches = fc.array(
  fc
    .record({
      id: fc.uuid(),
      scope: scopes,
      mode: fc.constantFrom(...switchModes),
      createdAtMs: fc.nat(10),
      expiresAtMs: fc.option(fc.integer({ min: nowMs - 2, max: nowMs + 2 })),
    })
    .map((changes) => aSwitch(changes)),
  { maxLength: 6 },
);
const subjects = fc.record({
  organizationId: fc.constantFrom(...organizations),
  agentType: fc.constantFrom(...agents),
  model: fc.constantFrom(...modelNames),
  jobId: fc.constant(null),
});

describe("for every set of switches", () => {
  test("the jobs that a query leaves out are those whose start is held", () => {
    fc.assert(
      fc.property(switches, subjects, (all, job) => {
        const held = heldJobs(all, job.organizationId, nowMs);
        const isHeld =
          held.kind === "all" ||
          (held.kind === "some" &&
            (held.agents.includes(job.agentType) ||
              held.modules.includes(moduleOf(job.agentType)) ||
              held.models.includes(job.model)));
        expect(isHeld).toBe(decideStart(all, job, nowMs).kind === "hold");
      }),
    );
  });

  test("order does not matter, and what has expired does nothing", () => {
    fc.assert(
      fc.property(switches, subjects, (all, job) => {
        const current = all.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
        for (const decide of [decideStart, decideRunning, decideSubmission]) {
          const decision = decide(all, job, nowMs).kind;
          expect(decide(all.toReversed(), job, nowMs).kind).toBe(decision);
          expect(decide(current, job, nowMs).kind).toBe(decision);
        }
      }),
    );
  });

  test("one switch more never lets more happen", () => {
    const strictness = (all: readonly Switch[], job: SwitchSubject): readonly number[] => [
      ["start", "hold"].indexOf(decideStart(all, job, nowMs).kind),
      ["accept", "refuse"].indexOf(decideSubmission(all, job, nowMs).kind),
      ["go_on", "yield", "abort"].indexOf(decideRunning(all, job, nowMs).kind),
    ];
    fc.assert(
      fc.property(switches, switches, subjects, (some, more, job) => {
        const before = strictness(some, job);
        for (const [index, after] of strictness([...some, ...more], job).entries()) {
          expect(after).toBeGreaterThanOrEqual(before[index] ?? 0);
        }
      }),
    );
  });

  test("nothing starts that would have to yield or end at once", () => {
    fc.assert(
      fc.property(switches, subjects, (all, job) => {
        const goesOn = decideRunning(all, job, nowMs).kind === "go_on";
        expect(goesOn || decideStart(all, job, nowMs).kind === "hold").toBe(true);
      }),
    );
  });
});
