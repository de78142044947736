/** Takes from a run's history what two equal runs may differ in, so that a disturbed one can be compared with a calm one. */
import { type EventDataOf, type OrganizationEvent, transportEventTypes } from "../../src/contracts/events.ts";

export interface RunHistory {
  /** The organization's events in order, from the first. */
  readonly events: readonly OrganizationEvent[];
  /** The issue as the HTTP API shows it in the end. */
  readonly detail: unknown;
  /** Rows of PostgreSQL by table, each table in a stable order. */
  readonly rows: Readonly<Record<string, readonly unknown[]>>;
}

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

export interface NormalizedHistory {
  readonly events: readonly Plain[];
  readonly detail: Plain;
  readonly rows: Plain;
}

const madeId = /\b([a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}\b/gu;
const gitId = /\b[0-9a-f]{40}\b/gu;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/u;
const localOrigin = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/gu;

/** What was charged by estimate for calls without an answer, by the id of the job and of the issue. */
type Estimates = Map<string, number>;

function addEstimate(estimates: Estimates, event: OrganizationEvent): void {
  if (event.type !== "job.cost_estimated") return;
  for (const id of [event.issueId, event.jobId ?? ""]) {
    estimates.set(id, (estimates.get(id) ?? 0) + event.data.costMicroUsd);
  }
}

/** A step's event with the sums that it would tell if nothing had been charged by estimate before it. */
function withoutEstimates(event: OrganizationEvent, estimates: Estimates): OrganizationEvent {
  if (event.type !== "step.recorded") return event;
  const jobCostMicroUsd = event.data.jobCostMicroUsd - (estimates.get(event.jobId ?? "") ?? 0);
  const issueCostMicroUsd = event.data.issueCostMicroUsd - (estimates.get(event.issueId) ?? 0);
  return { ...event, data: { ...event.data, jobCostMicroUsd, issueCostMicroUsd } };
}

/**
 * Removes what says how the work was carried: ids become placeholders by first appearance, points in time and durations
 * the word `time`, transport events and the rests of drained jobs go and what is left is numbered anew, and what was charged by
 * estimate is taken out of every sum that follows. `names` maps ids of the suite's own making (its organization, its users) to fixed words.
 */
export function normalizeHistory(history: RunHistory, names: Readonly<Record<string, string>>): NormalizedHistory {
  const estimates: Estimates = new Map();
  const normalize = createNormalizer(names, estimates);
  const rests = new Rests();
  const events: Plain[] = [];
  for (const event of history.events) {
    addEstimate(estimates, event);
    if (rests.take(event) || isTransport(event)) continue;
    events.push(normalize({ ...withoutEstimates(event, estimates), seq: events.length + 1 }));
  }
  return { events, detail: normalize(history.detail), rows: normalize(history.rows) };
}

/**
 * Follows jobs that rest: a slice ended, but neither the attempt nor by a failure, and the job gave its slot back and waits for
 * another (`docs/decisions/0017-a-drained-job-waits.md`). That it did says how the work was carried.
 */
class Rests {
  /** Jobs whose last slice has ended without ending anything of theirs. */
  readonly #betweenSlices = new Set<string>();
  /** Issues of jobs that rest, by job; and issues that wait because theirs does. */
  readonly #issueOfResting = new Map<string, string>();
  readonly #waitingIssues = new Set<string>();

  /** Whether the event belongs to a rest: the job's way to it and back, and its issue's. */
  take(event: OrganizationEvent): boolean {
    const { issueId } = event;
    const jobId = event.jobId ?? "";
    if (event.type === "job.slice_ended") this.#betweenSlices.add(jobId);
    else if (event.type === "job.slice_started") this.#betweenSlices.delete(jobId);
    else if (event.type === "job.status_changed") return this.#takeMove(jobId, issueId, event.data);
    else if (event.type === "issue.status_changed") {
      const { from, status } = event.data;
      if (from === "QUEUED" && status === "PROCESSING") return this.#waitingIssues.delete(issueId);
      const isResting =
        from === "PROCESSING" && status === "QUEUED" && [...this.#issueOfResting.values()].includes(issueId);
      if (isResting) this.#waitingIssues.add(issueId);
      return isResting;
    }
    return false;
  }

  #takeMove(jobId: string, issueId: string, { from, status }: EventDataOf<"job.status_changed">): boolean {
    const rested = this.#issueOfResting.delete(jobId);
    if (from === "PENDING" && status === "RUNNING") return rested;
    // It ended at rest, and its issue with it: what follows is no way back.
    if (rested) this.#waitingIssues.delete(issueId);
    const rests = from === "RUNNING" && status === "PENDING" && this.#betweenSlices.has(jobId);
    if (rests) this.#issueOfResting.set(jobId, issueId);
    return rests;
  }
}

/** How often an effect was begun says how it was carried, as slices do for jobs; what came of it stays. */
function isTransport(event: OrganizationEvent): boolean {
  if (transportEventTypes.has(event.type)) return true;
  if (event.type !== "effect.changed") return false;
  return event.data.effect.status === "PENDING" || event.data.effect.status === "RUNNING";
}

function createNormalizer(names: Readonly<Record<string, string>>, estimates: Estimates): (value: unknown) => Plain {
  const placeholders = new Map<string, string>();
  const counts = new Map<string, number>();
  const placeholder = (kind: string, id: string): string => {
    const known = placeholders.get(id);
    if (known !== undefined) return known;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    placeholders.set(id, `${kind}#${count}`);
    return `${kind}#${count}`;
  };

  const text = (value: string): string => {
    if (instant.test(value)) return "time";
    const named = Object.entries(names).reduce((result, [id, name]) => result.replaceAll(id, name), value);
    return named
      .replaceAll(madeId, (id, kind: string) => placeholder(kind, id))
      .replaceAll(gitId, (id) => placeholder("git", id))
      .replaceAll(localOrigin, "http://local")
      .replaceAll(/\/pull\/\d+/gu, "/pull/number");
  };

  const field = (owner: object, key: string, value: unknown): Plain => {
    if (typeof value === "number" && key.endsWith("Ms")) return "time";
    // A driver that keeps PostgreSQL's large integers exact gives them as text.
    const isSum = key === "costMicroUsd" && (typeof value === "number" || typeof value === "string");
    if (isSum && "id" in owner && typeof owner.id === "string") return Number(value) - (estimates.get(owner.id) ?? 0);
    // The number of a pull request counts what other runs opened before.
    if (key === "number" && "url" in owner && "branch" in owner) return "number";
    if (key === "attempts" && "kind" in owner && owner.kind === "pull_request") return "attempts";
    return plain(value);
  };

  const plain = (value: unknown): Plain => {
    if (value === null || value === undefined) return null;
    if (typeof value === "string") return text(value);
    if (typeof value === "number" || typeof value === "boolean") return value;
    if (value instanceof Date) return "time";
    if (Array.isArray(value)) return value.map((item: unknown) => plain(item));
    if (typeof value === "object") {
      const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
      return Object.fromEntries(entries.map(([key, item]) => [text(key), field(value, key, item)]));
    }
    throw new TypeError(`a history holds plain data, not ${typeof value}`);
  };
  return plain;
}
