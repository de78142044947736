/** The demo's way through the public API: organizations, the issue, its run live, and the review that waits. */
import { setTimeout as delay } from "node:timers/promises";
import type { z } from "zod";
import { demoIssue } from "../../demo/demo-issue.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import {
  issueListSchema,
  organizationViewSchema,
  reviewDetailViewSchema,
  reviewListSchema,
  submitResponseSchema,
  type issueViewSchema,
} from "../../src/contracts/http-views.ts";
import type { IssueStatus } from "../../src/contracts/status.ts";
import type { Repository } from "../../src/contracts/terms.ts";
import { requireApi, type ApiCaller } from "./api-client.ts";
import { openLiveSocket } from "./live-socket.ts";
import { systemErrorCode } from "./stack-error.ts";

type IssueView = z.infer<typeof issueViewSchema>;
export type ReviewDetailView = z.infer<typeof reviewDetailViewSchema>;

export interface DemoOrganization {
  readonly organizationId: string;
  readonly slug: string;
  readonly repository: Repository | null;
}

const openStatuses: ReadonlySet<IssueStatus> = new Set<IssueStatus>(["PENDING", "QUEUED", "PROCESSING", "REVIEW"]);
const reconnectAfterMs = 500;

/** Sets tier and bindings of the demo's organizations, as a platform administrator does. */
export async function setUpOrganizations(admin: ApiCaller, organizations: readonly DemoOrganization[]): Promise<void> {
  for (const { organizationId, slug, repository } of organizations) {
    const settings = { tier: "pro", slug, repository };
    await requireApi(admin, organizationViewSchema, "PUT", `/admin/organizations/${organizationId}`, settings);
  }
}

/** The demo's issue of an earlier run that is not finished; null when there is none. */
export async function findOpenDemoIssue(admin: ApiCaller): Promise<IssueView | null> {
  const { items } = await requireApi(admin, issueListSchema, "GET", "?limit=100");
  return items.find((item) => item.externalId === demoIssue.externalId && openStatuses.has(item.status)) ?? null;
}

/** Submits the demo's issue and returns its id. */
export async function submitDemoIssue(submitter: ApiCaller): Promise<string> {
  return (await requireApi(submitter, submitResponseSchema, "POST", "", demoIssue)).id;
}

/**
 * Hands over every event of an issue from its first on, in order, until `onEvent` answers true. Connects again when the
 * Worker goes away, and goes on after the last event seen.
 */
export async function followIssue(
  caller: ApiCaller,
  issueId: string,
  onEvent: (event: OrganizationEvent) => boolean,
  signal: AbortSignal,
): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    const socket = await connect(caller, { after, issueId }, signal);
    const close = (): void => socket.close();
    signal.addEventListener("abort", close);
    try {
      for await (const frame of socket.frames) {
        if (frame.kind !== "event") continue;
        after = frame.event.seq;
        if (onEvent(frame.event)) return;
      }
    } finally {
      signal.removeEventListener("abort", close);
      socket.close();
    }
  }
}

/** Waits for a Worker that is being started again. */
async function connect(
  caller: ApiCaller,
  request: { readonly after: number; readonly issueId: string },
  signal: AbortSignal,
): ReturnType<typeof openLiveSocket> {
  for (;;) {
    try {
      return await openLiveSocket(caller, request);
    } catch (error) {
      if (!["ECONNREFUSED", "ECONNRESET"].includes(systemErrorCode(error) ?? "")) throw error;
      await delay(reconnectAfterMs, undefined, { signal });
    }
  }
}

/** The review that waits for a decision: that of the issue when one is named, else the newest; null when none waits. */
export async function findWaitingReview(admin: ApiCaller, issueId: string | null): Promise<ReviewDetailView | null> {
  const { items } = await requireApi(admin, reviewListSchema, "GET", "/reviews?status=OPEN&limit=100");
  const waiting = items
    .filter((item) => issueId === null || item.issueId === issueId)
    .sort((left, right) => right.createdAt.localeCompare(left.createdAt))[0];
  return waiting === undefined ? null : requireApi(admin, reviewDetailViewSchema, "GET", `/reviews/${waiting.id}`);
}
