/** Why issues wait: computed whenever somebody asks, and told as an event when the answer changes. */
import type { EventType, OrganizationEvent } from "../../contracts/events.ts";
import type { JobRecord } from "../../contracts/records.ts";
import type { BlockingLimit } from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import type { ConcurrencyKeys } from "./concurrency-keys.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { blockingLimitOf, freeCapacity, type Hold, impliedLimitOf } from "./schedule.ts";

/** What was told last of an issue, where that is not what goes without saying; now it stands with the issue. */
export const waitingMigration = `
  CREATE TABLE told_limits (issue_id TEXT PRIMARY KEY, blocking_limit TEXT) WITHOUT ROWID;
`;

const schedulingEvents: ReadonlySet<EventType> = new Set<EventType>([
  "job.created",
  "job.dispatched",
  "job.status_changed",
]);

export interface WaitingParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly keys: ConcurrencyKeys;
  readonly concurrencyLimit: () => number;
  /** The most slots that any organization may hold. */
  readonly globalSlots: number;
  readonly holdOf: (record: JobRecord, nowMs: number) => Hold | null;
}

export class Waiting {
  readonly #parts: WaitingParts;
  /** Unknown after an eviction: then everything near the head of the queue is looked at again. */
  #lastCapacity: number | null = null;

  constructor(parts: WaitingParts) {
    this.#parts = parts;
  }

  /** Why nothing of the issue runs right now. */
  limitOf(issueId: string, nowMs: number): BlockingLimit {
    const { issues, jobs, keys, holdOf } = this.#parts;
    const { notBeforeMs } = issues.get(issueId);
    return blockingLimitOf(jobs.ofIssue(issueId), {
      nowMs,
      notBeforeMs,
      holdOf: (record) => holdOf(record, nowMs),
      isBehindKey: (job) => keys.isBehind(job, nowMs),
      isWithinCapacity: ({ record }) =>
        jobs.firstWaiting(nowMs, this.#capacity()).some(({ jobId }) => jobId === record.id),
    });
  }

  /** Tells of the issues whose reason to wait has changed with these events, or with time for those that were touched. */
  settle(change: Change, events: readonly OrganizationEvent[], touchedIds: readonly string[]): void {
    const scheduling = events.filter(({ type }) => schedulingEvents.has(type));
    const capacity = this.#capacity();
    const isCapacityNew = capacity !== this.#lastCapacity;
    this.#lastCapacity = capacity;
    if (scheduling.length === 0 && touchedIds.length === 0 && !isCapacityNew) return;
    for (const { type, issueId } of scheduling) if (type === "job.dispatched") this.#parts.issues.tell(issueId, null);

    const concerned = new Set([...scheduling.map(({ issueId }) => issueId), ...touchedIds]);
    const head = this.#headOfQueue(change.nowMs, scheduling);
    const isHeadNew = isCapacityNew || scheduling.some(({ type }) => type !== "job.created");
    if (isHeadNew || head.some((issueId) => concerned.has(issueId))) for (const issueId of head) concerned.add(issueId);
    for (const issueId of this.#besideThem(concerned)) concerned.add(issueId);
    for (const issueId of concerned) this.#tellOf(change, issueId);
  }

  #capacity(): number {
    const { jobs, concurrencyLimit } = this.#parts;
    return freeCapacity(jobs.heldSlotIds().length, concurrencyLimit());
  }

  /** Whoever could be, or a moment ago was, within capacity: no more than there are slots and new jobs before him. */
  #headOfQueue(nowMs: number, scheduling: readonly OrganizationEvent[]): readonly string[] {
    const { jobs, globalSlots } = this.#parts;
    return jobs.firstWaiting(nowMs, globalSlots + scheduling.length).map(({ issueId }) => issueId);
  }

  #besideThem(issueIds: ReadonlySet<string>): readonly string[] {
    const { issues, keys } = this.#parts;
    const concurrencyKeys = new Set([...issueIds].flatMap((issueId) => issues.get(issueId).concurrencyKey ?? []));
    return [...concurrencyKeys].flatMap((key) => keys.firstInLine(key));
  }

  #tellOf(change: Change, issueId: string): void {
    const { issues, jobs } = this.#parts;
    const waitingFor = this.limitOf(issueId, change.nowMs);
    const implied = impliedLimitOf(jobs.ofIssue(issueId));
    const told = issues.toldLimit(issueId);
    if (waitingFor === (told === null ? implied : told.limit)) return;
    change.append({ type: "issue.waiting_changed", issueId, jobId: null, data: { waitingFor } });
    issues.tell(issueId, waitingFor === implied ? null : { limit: waitingFor });
  }
}
