/** Holds an organization's work against its switches, and against the times and keys that its issues came with. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { JobRecord } from "../../src/contracts/records.ts";
import type { Switch } from "../../src/contracts/switches.ts";
import type { Terms } from "../../src/contracts/terms.ts";
import type { ObjectHost } from "./object-host.ts";
import type { ModelJob, OrganizationModel } from "./organization-model.ts";
import { holdingModes, switchesFor, termsOn } from "./switches-at.ts";

/** A clock may run back so far between two machines. */
const clockSpreadMs = 500;

interface StoredJob {
  readonly record: JobRecord;
  readonly leaseUntilMs: number | null;
  readonly signal: string | null;
}

export interface WorkRulesParts {
  readonly host: ObjectHost;
  readonly model: OrganizationModel;
  readonly report: (problem: string) => void;
}

export class WorkRules {
  readonly #parts: WorkRulesParts;
  /** The newest terms that the organization has ever stored: it goes by them until it stores newer ones. */
  #terms: Terms | null = null;
  /** The order to clear, and the version, that were looked at last. */
  #seen: { readonly version: number; readonly clearedAtMs: number | null } = { version: 0, clearedAtMs: null };
  /** Issues that came to wait in the change that is looked at: they ran when it began. */
  readonly #stopped = new Set<string>();
  /** Permanent failures of a job's slices that were carried out, by epoch. */
  readonly #failures = new Map<string, Set<unknown>>();

  constructor(parts: WorkRulesParts) {
    this.#parts = parts;
  }

  /** Notes a failure that uses up an attempt. */
  failed(jobId: string, epoch: unknown): void {
    this.#failures.set(jobId, (this.#failures.get(jobId) ?? new Set()).add(epoch));
  }

  /** Takes an event that the model does not know yet. */
  take(event: OrganizationEvent): void {
    const { model, report } = this.#parts;
    this.#learn();
    if (event.type === "issue.submitted") {
      const { organizationId, requestedAgentType: agentType, requestedModel } = event.data.issue;
      const refusing = this.#switchesFor(["refuse"], { organizationId, agentType, model: requestedModel }, event.atMs);
      for (const { id } of refusing) report(`${event.issueId} was accepted though ${id} refuses it`);
      return;
    }
    if (event.type === "issue.status_changed") this.#stopped.add(event.issueId);
    const job = event.jobId === null ? undefined : model.jobs.get(event.jobId);
    if (job === undefined) return;
    if (event.type === "job.dispatched") this.#lookAtDispatch(job, event.data.slotNumber, event.atMs);
    else if (event.type === "job.status_changed" && event.data.status === "RUNNING") this.#lookAtStart(job, event.atMs);
    else if (event.type === "job.attempt_started") {
      const failures = this.#failures.get(job.record.id)?.size ?? 0;
      if (event.data.attempt > failures + 1)
        report(`${job.record.id} begins attempt ${event.data.attempt} after ${failures} failures`);
    }
  }

  /** Looks at what a change has left, when it has brought other terms. */
  committed(): void {
    this.#lookAtTerms();
    this.#stopped.clear();
  }

  #lookAtTerms(): void {
    const terms = this.#learn();
    const { version, clearedAtMs } = this.#seen;
    if (terms === null || terms.version === version) return;
    this.#seen = { version: terms.version, clearedAtMs: terms.clear?.atMs ?? null };
    this.#parts.model.limitChanged();
    this.#lookAtHeld(terms);
    if (terms.clear !== null && terms.clear.atMs !== clearedAtMs) this.#lookAtCleared(terms.clear.atMs);
  }

  #learn(): Terms | null {
    const stored = termsOn(this.#parts.host.disk);
    const known = this.#terms?.version ?? 0;
    if (stored !== null && stored.version > known) this.#terms = stored;
    if (known > (stored?.version ?? 0)) this.#parts.report(`terms ${stored?.version} follow ${known}`);
    return this.#terms;
  }

  #lookAtDispatch(job: ModelJob, slotNumber: number, atMs: number): void {
    const { model, host, report } = this.#parts;
    const { id, issueId } = job.record;
    for (const by of this.#switchesFor(holdingModes, job.record, atMs)) report(`${id} was dispatched under ${by.mode}`);
    const notBeforeMs = model.facts.get(issueId)?.notBeforeMs ?? 0;
    if (notBeforeMs > atMs + clockSpreadMs) report(`${id} was dispatched ${notBeforeMs - atMs} ms too early`);
    if (job.slotNumber === slotNumber) return;
    const debugging = this.#switchesFor(["debug"], job.record, atMs);
    if (debugging.length === 0) return;
    for (const { record } of storedJobs(host)) {
      const isBoth = debugging.some((by) => switchesFor([by], ["debug"], record, atMs).length > 0);
      if (record.id !== id && isBoth) report(`${id} was dispatched beside ${record.id} though they are debugged`);
    }
  }

  #lookAtStart(job: ModelJob, atMs: number): void {
    const { model, report } = this.#parts;
    const { id, issueId, createdAtMs } = job.record;
    const facts = model.facts.get(issueId);
    if (facts === undefined) return;
    const { expiresAtMs, concurrencyKey } = facts;
    const isUnwanted = expiresAtMs !== null && expiresAtMs <= atMs && createdAtMs < expiresAtMs;
    if (isUnwanted) report(`${id} starts though its issue is no longer wanted`);
    if (concurrencyKey === null) return;
    for (const other of model.jobs.values()) {
      const isBeside = other.status === "RUNNING" && other.record.issueId !== issueId;
      if (isBeside && model.facts.get(other.record.issueId)?.concurrencyKey === concurrencyKey)
        report(`${id} starts beside ${other.record.id}, both with the key ${concurrencyKey}`);
    }
  }

  /** What holds a slot when new terms have come: nothing that waits to be claimed, and every slice has been told. */
  #lookAtHeld(terms: Terms): void {
    const { host, report } = this.#parts;
    const nowMs = host.nowMs();
    for (const { record, leaseUntilMs, signal } of storedJobs(host)) {
      const holding = switchesFor(terms.switches, holdingModes, record, nowMs);
      if (holding.length > 0 && leaseUntilMs === null) report(`${record.id} keeps its slot under ${modesOf(holding)}`);
      const ending = switchesFor(terms.switches, ["drain", "abort"], record, nowMs);
      if (ending.length > 0 && leaseUntilMs !== null && signal === null)
        report(`${record.id} runs on, untold, under ${modesOf(ending)}`);
      if (ending.some(({ mode }) => mode === "abort")) report(`${record.id} runs on under abort`);
    }
  }

  /** Nothing waits of what waited when the order was given. */
  #lookAtCleared(orderedAtMs: number): void {
    const { model, report } = this.#parts;
    for (const [issueId, status] of model.issues) {
      if ((status !== "QUEUED" && status !== "PENDING") || this.#stopped.has(issueId)) continue;
      const jobs = [...model.jobs.values()].filter(({ record }) => record.issueId === issueId);
      if (jobs.every(({ record }) => record.createdAtMs <= orderedAtMs))
        report(`${issueId} waits though it was cleared`);
    }
  }

  #switchesFor(...[modes, work, atMs]: [Parameters<typeof switchesFor>[1], Parameters<typeof switchesFor>[2], number]) {
    return switchesFor(this.#terms?.switches ?? [], modes, work, atMs);
  }
}

function storedJobs({ disk }: ObjectHost): readonly StoredJob[] {
  return disk.query<{ state: string }>("SELECT state FROM jobs WHERE slot_id IS NOT NULL").map(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the object writes this column, and writes this shape
    ({ state }) => JSON.parse(state) as StoredJob,
  );
}

function modesOf(switches: readonly Switch[]): string {
  return switches.map(({ mode }) => mode).join(" and ");
}
