/** `npm run demo:approve`: approves the waiting review as the platform administrator and shows the pull request. */
import process from "node:process";
import pc from "picocolors";
import { issueDetailSchema, reviewViewSchema } from "../src/contracts/http-views.ts";
import { requireApi, type ApiCaller } from "./local/api-client.ts";
import { findReviewToApprove } from "./local/demo-run.ts";
import { fileDiff, readChangedFiles, readPullRequest } from "./local/pull-request.ts";
import { patchLine } from "./local/review-text.ts";
import { runCommand } from "./local/run-command.ts";
import { StackError } from "./local/stack-error.ts";
import { parseApproveOptions, type ApproveOptions } from "./local/start-options.ts";
import { loadRunningStack, type RunningStack } from "./local/state-directory.ts";
import { waitUntil } from "./local/wait-until.ts";

const doneWithinMs = 120_000;

async function approve({ stateDirectory, reviewId }: ApproveOptions): Promise<void> {
  const running = await loadRunningStack(stateDirectory);
  if (running === null) throw new StackError(`no local stack runs on ${stateDirectory}: npm start first`);
  const admin = { url: running.url, token: running.adminToken, organizationId: running.demoOrganizationId };

  const review = await findReviewToApprove(admin, reviewId);
  if (review === null) throw new StackError("no review waits for a decision");
  const decision = { decision: "approve", note: "Approved with npm run demo:approve", contentHash: review.contentHash };
  await requireApi(admin, reviewViewSchema, "POST", `/reviews/${review.id}`, decision);
  console.log(`Approved ${pc.bold(review.artifact.name)} (${review.id}).`);

  const pullRequestNumber = await completedPullRequest(admin, review.issueId);
  await showPullRequest(running, pullRequestNumber);
}

/** Waits until the issue is completed and returns the number of its pull request. Throws `StackError` when it failed. */
async function completedPullRequest(admin: ApiCaller, issueId: string): Promise<number> {
  const issue = await waitUntil(
    "the pull request",
    async () => {
      const detail = await requireApi(admin, issueDetailSchema, "GET", `/${issueId}`);
      return detail.status === "COMPLETED" || detail.status === "FAILED" ? detail : null;
    },
    { withinMs: doneWithinMs, everyMs: 200 },
  );
  const effect = issue.effects.find(({ kind }) => kind === "pull_request");
  if (effect?.result) {
    console.log(`The issue is ${pc.bold(issue.status)}: ${pc.cyan(effect.result.url)}`);
    return effect.result.number;
  }
  throw new StackError(`the issue is ${issue.status}: ${effect?.error?.message ?? "there is no pull request"}`);
}

async function showPullRequest({ gitHub }: RunningStack, number: number): Promise<void> {
  if (gitHub === null) return;
  const pull = await readPullRequest(gitHub, number);
  console.log(
    `  ${pull.isDraft ? "draft " : ""}pull request ${pull.number}, ${pull.branch} → ${pull.baseBranch}: ${pull.title}`,
  );
  for (const file of await readChangedFiles(gitHub, pull)) {
    for (const line of fileDiff(file).trimEnd().split("\n")) console.log(patchLine(line));
  }
}

process.exitCode = await runCommand(() => approve(parseApproveOptions(process.argv.slice(2))));
