import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { GitHubError } from "../../src/contracts/ports.ts";
import type { PullRequestPlan } from "../../src/contracts/records.ts";
import { createGitHubPort } from "../../src/integrations/github/create-github-port.ts";
import { type GitHubStandIn, startGitHub } from "../../scripts/local/github.ts";

let gitHub: GitHubStandIn;
let baseCommit: string;

const workflowPath = "spokestack/src/modules/briefs/brief-workflow.ts";

beforeAll(async () => {
  gitHub = await startGitHub({ port: 0 });
  ({ commit: baseCommit } = await port().defaultBranchHead(gitHub));
});
afterAll(() => gitHub.close());

function port(intercept: typeof fetch = fetch) {
  return createGitHubPort({ token: gitHub.token, baseUrl: gitHub.url, fetch: intercept });
}

function planFor(branch: string, changes: Partial<PullRequestPlan> = {}): PullRequestPlan {
  return {
    repository: { owner: gitHub.owner, name: gitHub.name },
    baseBranch: "main",
    baseCommit,
    branch,
    commitMessage: "Let submitted briefs go on\n\nThey were taken for closed.",
    author: { name: "SpokeStack Agents", email: "agents@spokestack.invalid", dateIso: "2026-11-22T10:00:00.000Z" },
    title: "Let submitted briefs go on",
    body: "A brief is closed when it is completed.",
    files: [
      { path: workflowPath, content: "export const fixed = true;\n" },
      { path: "docs/new.md", content: "# ü\r\n" },
      { path: "config/workflows/brief.workflow.ts", content: null },
    ],
    ...changes,
  };
}

async function get<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.output<Schema>> {
  const url = `${gitHub.url}/repos/${gitHub.owner}/${gitHub.name}${path}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${gitHub.token}` } });
  return schema.parse(await answer.json());
}

const refSchema = z.object({ ref: z.string(), object: z.object({ sha: z.string() }) });
const pullSchema = z.object({
  number: z.int(),
  draft: z.boolean(),
  base: z.object({ ref: z.string() }),
  html_url: z.string(),
});

const branchesLike = (prefix: string) => get(z.array(refSchema), `/git/matching-refs/heads/${prefix}`);
const pullsFrom = (branch: string) =>
  get(z.array(pullSchema), `/pulls?state=all&head=${encodeURIComponent(`${gitHub.owner}:${branch}`)}`);

async function failureOf(work: Promise<unknown>): Promise<GitHubError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GitHubError) return error;
    throw error;
  }
  throw new Error("the call did not fail");
}

describe("reading", () => {
  it("knows head, tree and blobs of the default branch", async () => {
    expect(await port().defaultBranchHead(gitHub)).toEqual({ branch: "main", commit: baseCommit });
    const tree = await port().tree(gitHub, baseCommit);
    const file = tree.find(({ path }) => path === workflowPath);
    expect(file?.mode).toBe("100644");
    const bytes = await port().blob(gitHub, file?.blobId ?? "");
    expect(bytes.byteLength).toBe(file?.sizeBytes);
    expect(createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex")).toBe(file?.blobId);
    expect(tree.every(({ blobId }) => /^[0-9a-f]{40}$/u.test(blobId))).toBe(true);
  });
});

describe("openPullRequest", () => {
  it("makes one commit on a branch of its own, and a draft pull request", async () => {
    const plan = planFor("agent/org-a/iss_1");
    const opened = await port().openPullRequest(plan);
    const [pull, ...others] = await pullsFrom(plan.branch);
    expect(others).toEqual([]);
    expect(pull).toEqual({ number: opened.number, draft: true, base: { ref: "main" }, html_url: opened.url });
    const before = await port().tree(gitHub, baseCommit);
    const after = await port().tree(gitHub, opened.commit);
    const changed = after.filter(
      (entry) => !before.some(({ blobId, path }) => path === entry.path && blobId === entry.blobId),
    );
    expect(changed.map(({ path }) => path).sort()).toEqual(["docs/new.md", workflowPath]);
    expect(after.some(({ path }) => path === "config/workflows/brief.workflow.ts")).toBe(false);
    const markdown = changed.find(({ path }) => path === "docs/new.md");
    expect(new TextDecoder().decode(await port().blob(gitHub, markdown?.blobId ?? ""))).toBe("# ü\r\n");
    expect((await port().defaultBranchHead(gitHub)).commit).toBe(baseCommit);
  });

  it("leads to the same when it is repeated, also at the same time", async () => {
    const plan = planFor("agent/org-a/iss_2");
    const first = await port().openPullRequest(plan);
    const repeated = await Promise.all([port().openPullRequest(plan), port().openPullRequest(plan)]);
    expect(repeated).toEqual([first, first]);
    expect(await pullsFrom(plan.branch)).toHaveLength(1);
  });

  it("adopts a pull request that was closed meanwhile instead of opening another", async () => {
    const plan = planFor("agent/org-a/iss_3");
    const first = await port().openPullRequest(plan);
    const url = `${gitHub.url}/repos/${gitHub.owner}/${gitHub.name}/pulls/${first.number}`;
    const closed = await fetch(url, {
      method: "PATCH",
      headers: { authorization: `Bearer ${gitHub.token}` },
      body: JSON.stringify({ state: "closed" }),
    });
    expect(closed.status).toBe(200);
    expect(await port().openPullRequest(plan)).toEqual(first);
    expect(await pullsFrom(plan.branch)).toHaveLength(1);
  });

  it("refuses a branch that holds something else, and leaves it alone", async () => {
    const plan = planFor("agent/org-a/iss_4");
    const first = await port().openPullRequest(plan);
    const other = planFor(plan.branch, { files: [{ path: "README.md", content: "other\n" }] });
    expect(await failureOf(port().openPullRequest(other))).toMatchObject({ transient: false, reason: "branch_taken" });
    expect((await branchesLike(plan.branch))[0]?.object.sha).toBe(first.commit);
  });

  it.each(["main", "release/1", "agent"])("never writes to the branch %s", async (branch) => {
    const failure = await failureOf(port().openPullRequest(planFor(branch)));
    expect(failure).toMatchObject({ transient: false, reason: "protected_branch" });
  });

  it("refuses to put a file in place of a folder", async () => {
    const plan = planFor("agent/org-a/iss_5", { files: [{ path: "config", content: "x" }] });
    expect(await failureOf(port().openPullRequest(plan))).toMatchObject({ transient: false, reason: "not_a_file" });
    expect(await branchesLike(plan.branch)).toEqual([]);
  });
});

describe("faults", () => {
  const faults = {
    "lost before it arrives": () => Promise.reject(new TypeError("connection refused")),
    "lost after it happened": async (...request: Parameters<typeof fetch>) => {
      await (await fetch(...request)).arrayBuffer();
      throw new DOMException("The operation timed out", "TimeoutError");
    },
    "answered with a cut-off body": async (...request: Parameters<typeof fetch>) => {
      const answer = await fetch(...request);
      return new Response((await answer.text()).slice(0, -1), answer);
    },
    "answered with an overload": () => Promise.resolve(Response.json({ message: "overloaded" }, { status: 503 })),
  } satisfies Record<string, typeof fetch>;

  /** Lets every call through but the one at `failingCall`, counted from 0. */
  function failingAt(failingCall: number, fault: typeof fetch): { intercept: typeof fetch; calls: () => number } {
    let calls = 0;
    return {
      calls: () => calls,
      intercept: (...request) => {
        calls += 1;
        return calls - 1 === failingCall ? fault(...request) : fetch(...request);
      },
    };
  }

  it.each(Object.entries(faults))("lead to one branch and one pull request: %s", async (name, fault) => {
    const counter = failingAt(-1, fault);
    await port(counter.intercept).openPullRequest(planFor(`agent/count/${name.replaceAll(" ", "-")}`));
    expect(counter.calls()).toBeGreaterThan(6);
    let failures = 0;
    for (let failingCall = 0; failingCall < counter.calls(); failingCall += 1) {
      const plan = planFor(`agent/fault/${name.replaceAll(" ", "-")}/${failingCall}`);
      const { intercept } = failingAt(failingCall, fault);
      failures += await port(intercept)
        .openPullRequest(plan)
        .then(
          () => 0,
          (error: unknown) => (error instanceof GitHubError && error.transient ? 1 : Number.NaN),
        );
      const opened = await port().openPullRequest(plan);
      const branches = await branchesLike(plan.branch);
      expect(branches.map(({ object }) => object.sha)).toEqual([opened.commit]);
      expect((await pullsFrom(plan.branch)).map(({ number }) => number)).toEqual([opened.number]);
    }
    // The body of "no such branch" is not read, so cutting it off is no fault.
    expect([counter.calls(), counter.calls() - 1]).toContain(failures);
  });

  it("gives up a call that takes too long", async () => {
    const hanging: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        const { signal } = init ?? {};
        signal?.addEventListener("abort", () => {
          try {
            signal.throwIfAborted();
          } catch (error) {
            reject(error instanceof Error ? error : new Error("aborted"));
          }
        });
      });
    const slow = createGitHubPort({ token: "t", baseUrl: gitHub.url, fetch: hanging, callTimeoutMs: 20 });
    expect(await failureOf(slow.defaultBranchHead(gitHub))).toMatchObject({ transient: true, reason: "timeout" });
  });

  it("never shows the token", async () => {
    const failure = await failureOf(port(faults["answered with an overload"]).defaultBranchHead(gitHub));
    expect(JSON.stringify([failure, failure.message, failure.cause])).not.toContain(gitHub.token);
  });
});

describe("the stand-in", () => {
  it("starts again with what was changed before", async () => {
    const folder = await mkdtemp(join(tmpdir(), "github-"));
    try {
      const stateFile = join(folder, "github.json");
      const first = await startGitHub({ port: 0, stateFile });
      const firstPort = createGitHubPort({ token: first.token, baseUrl: first.url });
      expect((await firstPort.defaultBranchHead(first)).commit).toBe(baseCommit);
      const opened = await firstPort.openPullRequest(planFor("agent/org-a/iss_9"));
      await first.close();
      const second = await startGitHub({ port: 0, stateFile });
      const reopened = await createGitHubPort({ token: second.token, baseUrl: second.url }).openPullRequest(
        planFor("agent/org-a/iss_9"),
      );
      await second.close();
      expect({ ...reopened, url: "" }).toEqual({ ...opened, url: "" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
