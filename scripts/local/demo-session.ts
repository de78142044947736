/** The demo as `npm start` shows it: submit or go on, watch, and say how to approve. */
import { demoOrganization, secondOrganization } from "../../demo/erp-database/seed.ts";
import { demoIssue } from "../../demo/demo-issue.ts";
import type { ApiCaller } from "./api-client.ts";
import {
  isOpenStatus,
  findOpenDemoIssue,
  findReviewOfIssue,
  followIssue,
  setUpOrganizations,
  submitDemoIssue,
} from "./demo-run.ts";
import { createDemoView } from "./demo-view.ts";
import { decisionLines, reviewLines } from "./review-text.ts";
import type { Stack } from "./stack.ts";
import type { SupabaseStandIn } from "./supabase.ts";

export interface DemoSession {
  readonly admin: ApiCaller;
  readonly stack: Stack;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The platform administrator's calls for the demo's organization. */
export function demoAdministrator(stack: Stack): ApiCaller {
  return { url: stack.worker.url, token: stack.adminToken, organizationId: demoOrganization.id };
}

/** Runs the demo and then watches its issue until it is finished or the signal aborts. */
export async function runDemo(session: DemoSession): Promise<void> {
  const { admin, stack, print } = session;
  const { supabase } = stack.standIns;
  if (supabase === null || stack.database === null) {
    print("The demo needs the stand-ins of PostgreSQL and Supabase, so nothing is submitted.");
    return;
  }
  const { GITHUB_REPO_OWNER: owner = "", GITHUB_REPO_NAME: name = "" } = stack.settings;
  const organizations = [demoOrganization, secondOrganization].map(({ id, slug }) => ({
    organizationId: id,
    slug,
    repository: { owner, name },
  }));
  await setUpOrganizations(admin, organizations);

  const open = await findOpenDemoIssue(admin);
  if (open === null) {
    print(`${demoOrganization.users.STAFF.name} submits “${demoIssue.title}” for ${demoOrganization.name}:`);
    await watch(session, await submitDemoIssue(await demoSubmitter(stack, supabase)), true);
  } else if (open.status === "REVIEW") {
    print("The demo's review of an earlier run still waits, so nothing is submitted again.");
    await showReview(session, open.id);
    await watch(session, open.id, false);
  } else {
    print("The demo's issue of an earlier run goes on, so nothing is submitted again:");
    await watch(session, open.id, true);
  }
}

async function demoSubmitter(stack: Stack, supabase: SupabaseStandIn): Promise<ApiCaller> {
  const { supabaseId, email } = demoOrganization.users.STAFF;
  const token = await supabase.accessToken({ subject: supabaseId, email, organizationId: demoOrganization.id });
  return { url: stack.worker.url, token };
}

async function watch(session: DemoSession, issueId: string, fromStart: boolean): Promise<void> {
  const view = createDemoView();
  await followIssue({
    caller: session.admin,
    issueId,
    fromStart,
    signal: session.signal,
    onEvent: async (event) => {
      for (const line of view.linesOf(event)) session.print(line);
      if (event.type !== "issue.status_changed") return false;
      if (event.data.status === "REVIEW") await showReview(session, issueId);
      return !isOpenStatus(event.data.status);
    },
  });
}

/** Nothing is shown when the review has been decided meanwhile. */
async function showReview({ admin, stack, print }: DemoSession, issueId: string): Promise<void> {
  const review = await findReviewOfIssue(admin, issueId);
  if (review === null) return;
  const waiting = "Waiting for the decision. Everything keeps running; Ctrl-C stops it.";
  const lines = [...reviewLines(review), "", ...decisionLines(admin, review), ...(await tourLines(stack)), "", waiting];
  for (const line of ["", ...lines]) print(line);
}

/** What the README's tour with curl needs: the address, an hour's token of the submitter, and the ERP's API key. */
async function tourLines(stack: Stack): Promise<readonly string[]> {
  const { supabase } = stack.standIns;
  if (supabase === null) return [];
  const { url, token } = await demoSubmitter(stack, supabase);
  return [
    `  submit      export URL=${url} TOKEN=${token}`,
    `  integrate   export API_KEY=${demoOrganization.apiKey.key}`,
  ];
}
