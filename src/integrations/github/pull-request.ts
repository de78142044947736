/**
 * Brings an approved change to GitHub by adoption: blobs, trees and commits are named by their content, so making them
 * twice makes nothing new; branch and pull request are looked for before they are made. No branch is ever moved.
 */
import { z } from "zod";
import { GitHubError } from "../../contracts/ports.ts";
import type { PullRequestPlan, PullRequestResult } from "../../contracts/records.ts";
import { type GitHubApi, nullIfNotFound } from "./github-api.ts";
import {
  type GitCommit,
  type GitTreeItem,
  commitSchema,
  readTree,
  referenceSchema,
  repositorySchema,
  writtenObjectSchema,
} from "./git-data.ts";

const pullSchema = z.object({ number: z.int(), html_url: z.string() });
type Pull = z.infer<typeof pullSchema>;
const agentBranchPrefix = "agent/";
const regularModes = new Set(["100644", "100755"]);

function refusal(reason: string, message: string): GitHubError {
  return new GitHubError({ transient: false, reason, message });
}

/** A new file is a plain one; one that exists keeps its mode. Links and submodules are nothing that agents may replace. */
function modeOf(path: string, existing: ReadonlyMap<string, GitTreeItem>): string {
  const item = existing.get(path);
  if (item === undefined) return "100644";
  if (item.type === "blob" && regularModes.has(item.mode)) return item.mode;
  throw refusal("not_a_file", `${path} is a folder, a link or a submodule on GitHub`);
}

/** Writes the commit of the plan, which has the same id however often it is written. */
async function writeCommit(api: GitHubApi, plan: PullRequestPlan): Promise<GitCommit> {
  const { repository } = plan;
  const base = await api.call(commitSchema, repository, "GET /git/commits/{commit}", { commit: plan.baseCommit });
  const existing = new Map((await readTree(api, repository, plan.baseCommit)).map((item) => [item.path, item]));
  const tree = await api.call(writtenObjectSchema, repository, "POST /git/trees", {
    base_tree: base.tree.sha,
    tree: plan.files.map(({ path, content }) => {
      const entry = { path, mode: modeOf(path, existing), type: "blob" };
      return content === null ? { ...entry, sha: null } : { ...entry, content };
    }),
  });
  const author = { name: plan.author.name, email: plan.author.email, date: plan.author.dateIso };
  return api.call(commitSchema, repository, "POST /git/commits", {
    message: plan.commitMessage,
    tree: tree.sha,
    parents: [plan.baseCommit],
    author,
    committer: author,
  });
}

/** The commit that the plan's branch points to, if it is the plan's own; null when there is no branch yet. */
async function adoptBranch(api: GitHubApi, plan: PullRequestPlan, wanted: GitCommit): Promise<string | null> {
  const { repository, branch } = plan;
  const call = api.call(referenceSchema, repository, "GET /git/ref/{ref}", { ref: `heads/${branch}` });
  const reference = await nullIfNotFound(call);
  if (reference === null) return null;
  const commit = await api.call(commitSchema, repository, "GET /git/commits/{commit}", {
    commit: reference.object.sha,
  });
  const isOurs =
    commit.tree.sha === wanted.tree.sha &&
    commit.message === wanted.message &&
    commit.parents.map(({ sha }) => sha).join() === plan.baseCommit;
  if (isOurs) return commit.sha;
  throw refusal("branch_taken", `the branch ${branch} exists and holds another change`);
}

async function bringBranch(api: GitHubApi, plan: PullRequestPlan): Promise<string> {
  const wanted = await writeCommit(api, plan);
  const adopted = await adoptBranch(api, plan, wanted);
  if (adopted !== null) return adopted;
  try {
    const reference = { ref: `refs/heads/${plan.branch}`, sha: wanted.sha };
    const made = await api.call(referenceSchema, plan.repository, "POST /git/refs", reference);
    return made.object.sha;
  } catch (error) {
    // Somebody made the branch since we looked: another run of the same plan, or a stranger.
    const raced =
      error instanceof GitHubError && error.reason === "refused" ? await adoptBranch(api, plan, wanted) : null;
    if (raced === null) throw error;
    return raced;
  }
}

/** A pull request from the plan's branch, open ones first; null when there is none. */
async function findPull(api: GitHubApi, plan: PullRequestPlan): Promise<Pull | null> {
  const head = `${plan.repository.owner}:${plan.branch}`;
  const listed = z.array(pullSchema.extend({ state: z.enum(["open", "closed"]) }));
  const pulls = await api.call(listed, plan.repository, "GET /pulls", { head, base: plan.baseBranch, state: "all" });
  return pulls.find(({ state }) => state === "open") ?? pulls[0] ?? null;
}

async function bringPull(api: GitHubApi, plan: PullRequestPlan): Promise<Pull> {
  const adopted = await findPull(api, plan);
  if (adopted !== null) return adopted;
  try {
    return await api.call(pullSchema, plan.repository, "POST /pulls", {
      title: plan.title,
      body: plan.body,
      head: plan.branch,
      base: plan.baseBranch,
      draft: true,
    });
  } catch (error) {
    const raced = error instanceof GitHubError && error.reason === "refused" ? await findPull(api, plan) : null;
    if (raced === null) throw error;
    return raced;
  }
}

/**
 * Carries out the plan, or what is left of it. Repeating it after a crash or an unknown outcome at any point leads to one
 * branch and one pull request. Throws `GitHubError`.
 */
export async function openPullRequest(api: GitHubApi, plan: PullRequestPlan): Promise<PullRequestResult> {
  if (!plan.branch.startsWith(agentBranchPrefix) || plan.branch === plan.baseBranch) {
    throw refusal("protected_branch", `agents write to branches below ${agentBranchPrefix} only`);
  }
  const { default_branch: defaultBranch } = await api.call(repositorySchema, plan.repository, "GET");
  if (plan.branch === defaultBranch) throw refusal("protected_branch", "agents never write to the default branch");
  const commit = await bringBranch(api, plan);
  const pull = await bringPull(api, plan);
  return { number: pull.number, url: pull.html_url, branch: plan.branch, commit };
}
