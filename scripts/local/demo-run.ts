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
import { openIssueStatuses, type IssueStatus } from "../../src/contracts/status.ts";
import type { Repository } from "../../src/contracts/terms.ts";
import { requireApi, type ApiCaller } from "./api-client.ts";
import { openLiveSocket, type LiveRequest } from "./live-socket.ts";
import { systemErrorCode } from "./stack-error.ts";

type IssueView = z.infer<typeof issueViewSchema>;
export type ReviewDetailView = z.infer<typeof reviewDetailViewSchema>;

export interface DemoOrganization {
  readonly organizationId: string;
  readonly slug: string;
  readonly repository: Repository | null;
}

const reconnectAfterMs = 500;

/** Whether an issue is still worked on or waits for somebody. */
export function isOpenStatus(status: IssueStatus): boolean {
  return openIssueStatuses.includes(status);
}

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
  return items.find((item) => item.externalId === demoIssue.externalId && isOpenStatus(item.status)) ?? null;
}

/** Submits the demo's issue and returns its id. */
export async function submitDemoIssue(submitter: ApiCaller): Promise<string> {
  return (await requireApi(submitter, submitResponseSchema, "POST", "", demoIssue)).id;
}

export interface FollowOptions {
  readonly caller: ApiCaller;
  readonly issueId: string;
  /** Whether events that happened before are handed over too. */
  readonly fromStart: boolean;
  /** Answers true to end the following. */
  readonly onEvent: (event: OrganizationEvent) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Hands over an issue's events in order until `onEvent` answers true or the signal aborts. Connects again when the
 * Worker goes away, and goes on after the last event seen.
 */
export async function followIssue({ caller, issueId, fromStart, onEvent, signal }: FollowOptions): Promise<void> {
  let seen: { readonly after: number; readonly incarnation?: string } | null = fromStart ? { after: 0 } : null;
  while (!signal.aborted) {
    const socket = await connect(caller, { issueId, ...seen }, signal);
    const close = (): void => socket.close();
    signal.addEventListener("abort", close);
    let incarnation = "";
    try {
      for await (const frame of socket.frames) {
        if (frame.kind === "hello") incarnation = frame.incarnation;
        if (frame.kind === "hello") seen ??= { after: frame.lastSeq, incarnation };
        if (frame.kind === "snapshot") seen = { after: frame.seq, incarnation };
        if (frame.kind !== "events") continue;
        for (const event of frame.events) {
          seen = { after: event.seq, incarnation };
          if (await onEvent(event)) return;
          socket.acknowledge(event.seq);
        }
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
  request: LiveRequest,
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

/** A waiting review of the organization: the one that is named, else the newest; null when there is none. */
export async function findReviewToApprove(admin: ApiCaller, reviewId: string | null): Promise<ReviewDetailView | null> {
  const waiting = await waitingReviews(admin);
  const chosen = waiting.find((item) => reviewId === null || item.id === reviewId);
  return chosen === undefined ? null : readReview(admin, chosen.id);
}

/** The waiting review of an issue; null when none waits. */
export async function findReviewOfIssue(admin: ApiCaller, issueId: string): Promise<ReviewDetailView | null> {
  const waiting = await waitingReviews(admin);
  const chosen = waiting.find((item) => item.issueId === issueId);
  return chosen === undefined ? null : readReview(admin, chosen.id);
}

/** Newest first. */
async function waitingReviews(admin: ApiCaller): Promise<z.infer<typeof reviewListSchema>["items"]> {
  const { items } = await requireApi(admin, reviewListSchema, "GET", "/reviews?status=OPEN&limit=100");
  return items.toSorted((left, right) => right.createdAt.localeCompare(left.createdAt));
}

async function readReview(admin: ApiCaller, reviewId: string): Promise<ReviewDetailView> {
  return requireApi(admin, reviewDetailViewSchema, "GET", `/reviews/${reviewId}`);
}
