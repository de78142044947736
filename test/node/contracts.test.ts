import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileApprover, refusedPathReason } from "../../src/contracts/review-policy.ts";
import {
  effectStatuses,
  isLegalJobTransition,
  isTerminalJobStatus,
  issueStatuses,
  issueStatusOf,
  jobStatuses,
  reviewStatuses,
  type IssueStatusInput,
  type JobStatus,
} from "../../src/contracts/status.ts";
import { bestModel, defaultTerms, limitsByTier, organizationLimitsSchema, tiers } from "../../src/contracts/terms.ts";
import { parseSettings, SettingsError } from "../../src/env.ts";

describe("job transitions", () => {
  test("never leave a terminal status", () => {
    const terminal = jobStatuses.filter(isTerminalJobStatus);
    expect(terminal).toEqual(["COMPLETED", "FAILED", "CANCELLED"]);
    for (const from of terminal) expect(jobStatuses.filter((to) => isLegalJobTransition(from, to))).toEqual([]);
  });

  test("allow a waiting job to be claimed, and a running one to wait again", () => {
    expect(isLegalJobTransition("PENDING", "RUNNING")).toBe(true);
    expect(isLegalJobTransition("RUNNING", "PENDING")).toBe(true);
    expect(isLegalJobTransition("PENDING", "PAUSED")).toBe(true);
    expect(isLegalJobTransition("PENDING", "COMPLETED")).toBe(false);
  });
});

const job = (status: JobStatus, more: Partial<IssueStatusInput["jobs"][number]> = {}) => ({
  status,
  dispatched: true,
  replaced: false,
  notBeforeMs: null,
  ...more,
});
const input = (parts: Partial<IssueStatusInput>): IssueStatusInput => ({
  jobs: [job("COMPLETED")],
  reviews: [],
  effects: [],
  nowMs: 1_000,
  ...parts,
});

describe("status of an issue", () => {
  test.each([
    ["a cancelled job", input({ jobs: [job("COMPLETED"), job("CANCELLED")] }), "CANCELLED"],
    [
      "a cancelled job that is done again",
      input({ jobs: [job("CANCELLED", { replaced: true }), job("PENDING")] }),
      "QUEUED",
    ],
    ["a cancelled review", input({ reviews: [{ status: "CANCELLED" }] }), "CANCELLED"],
    ["a cancelled effect", input({ effects: [{ status: "CANCELLED", redriven: false }] }), "CANCELLED"],
    [
      "a cancelled effect that was redriven",
      input({
        effects: [
          { status: "CANCELLED", redriven: true },
          { status: "COMPLETED", redriven: false },
        ],
      }),
      "COMPLETED",
    ],
    ["a running job", input({ jobs: [job("COMPLETED"), job("RUNNING")] }), "PROCESSING"],
    ["a paused job", input({ jobs: [job("PAUSED")] }), "PROCESSING"],
    ["an approved effect under way", input({ effects: [{ status: "PENDING", redriven: false }] }), "PROCESSING"],
    ["an open review", input({ reviews: [{ status: "OPEN" }] }), "REVIEW"],
    [
      "a job that waits for its time",
      input({ jobs: [job("PENDING", { dispatched: false, notBeforeMs: 2_000 })] }),
      "PENDING",
    ],
    ["a job whose time has come", input({ jobs: [job("PENDING", { dispatched: false, notBeforeMs: 500 })] }), "QUEUED"],
    ["a job that waits for a slot", input({ jobs: [job("COMPLETED"), job("PENDING")] }), "QUEUED"],
    ["an exhausted job", input({ jobs: [job("FAILED")] }), "FAILED"],
    [
      "an exhausted job that was done again",
      input({ jobs: [job("FAILED", { replaced: true }), job("COMPLETED")] }),
      "COMPLETED",
    ],
    ["an exhausted effect", input({ effects: [{ status: "FAILED", redriven: false }] }), "FAILED"],
    ["an exhausted effect that was redriven", input({ effects: [{ status: "FAILED", redriven: true }] }), "COMPLETED"],
    [
      "every review rejected or expired",
      input({ reviews: [{ status: "REJECTED" }, { status: "EXPIRED" }] }),
      "CANCELLED",
    ],
    ["one review approved", input({ reviews: [{ status: "REJECTED" }, { status: "APPROVED" }] }), "COMPLETED"],
    ["nothing left to do", input({}), "COMPLETED"],
  ] as const)("%s", (_name, parts, expected) => {
    expect(issueStatusOf(parts)).toBe(expected);
  });

  test("is always one of the closed set, and never a finished one while something runs", () => {
    const anyInput = fc.record({
      jobs: fc.array(
        fc.record({
          status: fc.constantFrom(...jobStatuses),
          dispatched: fc.boolean(),
          replaced: fc.constant(false),
          notBeforeMs: fc.option(fc.nat(2_000)),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      reviews: fc.array(fc.record({ status: fc.constantFrom(...reviewStatuses) }), { maxLength: 3 }),
      effects: fc.array(fc.record({ status: fc.constantFrom(...effectStatuses), redriven: fc.boolean() }), {
        maxLength: 3,
      }),
      nowMs: fc.nat(2_000),
    });
    fc.assert(
      fc.property(anyInput, (parts) => {
        const status = issueStatusOf(parts);
        expect(issueStatuses).toContain(status);
        const isUnfinished = parts.jobs.some((each) => !isTerminalJobStatus(each.status));
        const isOpen = ["PENDING", "QUEUED", "PROCESSING", "REVIEW"].includes(status);
        expect({ isUnfinished, isOpen }).not.toEqual({ isUnfinished: true, isOpen: false });
      }),
    );
  });
});

describe("approver of changed files", () => {
  test.each([
    [["config/tenants/acme.config.ts"], "acme", "organization"],
    [["config/templates/acme/forms/brief.ts", "config/tenants/acme.config.ts"], "acme", "organization"],
    [["config/tenants/other.config.ts"], "acme", "platform"],
    [["config/tenants/acme.config.ts", "spokestack/src/app/page.tsx"], "acme", "platform"],
    [["config/tenants/null.config.ts"], null, "platform"],
    [[], "acme", "platform"],
    [["src/index.ts", ".github/workflows/ci.yml"], "acme", "refused"],
    [["config/templates/acme/../../../src/index.ts"], "acme", "refused"],
  ] as const)("%j for %s is %s", (paths, slug, kind) => {
    expect(fileApprover(paths, slug).kind).toBe(kind);
  });

  test.each([
    ".github/workflows/ci.yml",
    ".GitHub/workflows/ci.yml",
    "CODEOWNERS",
    "docs/codeowners",
    "package-lock.json",
    "spokestack/pnpm-lock.yaml",
    ".env",
    "apps/web/.env.production",
    ".npmrc",
    ".git/config",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "a\\b",
    "",
  ])("refuses %j", (path) => {
    expect(refusedPathReason(path)).not.toBeNull();
  });

  test.each(["README.md", "src/environment.ts", "config/lock.ts"])("lets %j be proposed", (path) => {
    expect(refusedPathReason(path)).toBeNull();
  });
});

describe("terms", () => {
  test("have valid limits for every tier, and for an organization without one", () => {
    for (const tier of tiers) expect(organizationLimitsSchema.safeParse(limitsByTier[tier]).success).toBe(true);
    expect(defaultTerms("org_1").limits).toEqual({ ...limitsByTier.free, concurrentJobs: 2 });
  });

  test("name the best allowed model", () => {
    expect(tiers.map((tier) => bestModel(limitsByTier[tier].models))).toEqual(["haiku", "sonnet", "opus"]);
  });
});

describe("settings", () => {
  const complete = {
    ANTHROPIC_API_KEY: "key",
    DATABASE_URL: "postgres://agents_app@localhost/erp",
    DATABASE_PLATFORM_URL: "postgres://agents_platform@localhost/erp",
    SUPABASE_URL: "https://project.supabase.example",
    ADMIN_TOKENS: `ops:${"a".repeat(64)}`,
  };
  const wrongKeys = (bindings: object): readonly string[] => {
    try {
      parseSettings(bindings);
      return [];
    } catch (error) {
      if (error instanceof SettingsError) return error.keys;
      throw error;
    }
  };

  test("have defaults for everything but the required keys", () => {
    const settings = parseSettings(complete);
    expect(settings.gitHub).toBeNull();
    expect(settings.scheduling.settingSwitches).toEqual([]);
    expect(settings.scheduling.globalSlots).toBe(5);
    expect(settings.scheduling.timings.leaseMs).toBe(15_000);
    expect(settings.ADMIN_TOKENS).toEqual([{ name: "ops", sha256: "a".repeat(64) }]);
    expect(settings.SUPABASE_JWT_ALGORITHMS).toEqual(["ES256", "RS256"]);
  });

  test("name every wrong key and no value", () => {
    expect(wrongKeys({ ...complete, ANTHROPIC_API_KEY: "", ADMIN_TOKENS: "ops:secret" })).toEqual([
      "ADMIN_TOKENS",
      "ANTHROPIC_API_KEY",
    ]);
    expect(wrongKeys({ ...complete, AGENT_MAX_CONCURRENCY: "0" })).toEqual(["AGENT_MAX_CONCURRENCY"]);
  });

  test("take an integration whole or not at all", () => {
    expect(wrongKeys({ ...complete, GITHUB_TOKEN: "t" })).toEqual(["GITHUB_REPO_NAME", "GITHUB_REPO_OWNER"]);
    const whole = parseSettings({ ...complete, GITHUB_TOKEN: "t", GITHUB_REPO_OWNER: "o", GITHUB_REPO_NAME: "r" });
    expect(whole.gitHub?.GITHUB_BASE_URL).toBe("https://api.github.com");
  });
});
