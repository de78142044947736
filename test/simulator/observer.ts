/** Watches a run from outside of the code under test: reads what was committed, and holds it against the rules. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { ObjectHost } from "./object-host.ts";
import { OrganizationModel } from "./organization-model.ts";
import { PlatformWatch } from "./platform-watch.ts";
import { propertyOf, textOf } from "./properties.ts";

export interface ObserverOptions {
  readonly organizationIds: readonly string[];
  readonly globalSlots: number;
  readonly nowMs: () => number;
  readonly onEvent: (organizationId: string, event: OrganizationEvent) => void;
}

/** Calls that a slice makes for its job: an older epoch, or one whose slice has ended, must be refused. */
const fencedCalls: ReadonlySet<string> = new Set([
  "renewLease",
  "beginAttempt",
  "checkpoint",
  "finish",
  "fail",
  "yieldSlice",
]);

export class Observer {
  readonly models = new Map<string, OrganizationModel>();
  readonly problems: string[] = [];
  readonly platform: PlatformWatch;
  readonly #options: ObserverOptions;
  /** How often the tables had been written when they were looked at last: nothing new stands in them until it grows. */
  readonly #eventWrites = new WeakMap<ObjectHost, number>();
  readonly #money = new WeakMap<ObjectHost, { readonly terms: unknown; readonly writes: number }>();
  #trace = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.platform = new PlatformWatch({ ...options, report: (problem) => this.report(problem) });
  }

  /** A number that two runs have in common only when the same happened in both. */
  trace(): number {
    return this.#trace;
  }

  report(problem: string): void {
    this.problems.push(`${this.#options.nowMs()}: ${problem}`);
  }

  note(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#trace = (Math.imul(this.#trace, 31) + text.charCodeAt(index)) | 0;
    }
  }

  /** The model of an organization; `limit` is the most jobs that it may run. */
  addOrganization(organizationId: string, limit: () => number): void {
    const runningEverywhere = (): number => [...this.models.values()].reduce((sum, model) => sum + model.running(), 0);
    const report = (problem: string): void => this.report(`${organizationId}: ${problem}`);
    const model = new OrganizationModel({ limit, globalLimit: this.#options.globalSlots, runningEverywhere, report });
    this.models.set(organizationId, model);
  }

  /** Reads the events that an organization has just stored. */
  organizationCommitted(host: ObjectHost): void {
    const model = this.models.get(host.name);
    if (model === undefined) return;
    this.#lookAtMoney(host);
    const { disk } = host;
    const writes = disk.writesTo("events");
    if (this.#eventWrites.get(host) === writes) return;
    this.#eventWrites.set(host, writes);
    const rows = disk.query<{ event: string }>("SELECT event FROM events WHERE seq > ? ORDER BY seq", model.lastSeq());
    for (const { event: text } of rows) {
      this.note(text);
      for (const other of this.#options.organizationIds) {
        if (other !== host.name && text.includes(other)) this.report(`${host.name} has an event of ${other}`);
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the event log writes this column, from events
      const event = JSON.parse(text) as OrganizationEvent;
      model.take(event);
      this.#options.onEvent(host.name, event);
    }
  }

  #lookAtMoney(host: ObjectHost): void {
    const { disk } = host;
    const terms = disk.read("terms");
    const writes = disk.writesTo("spending") + disk.writesTo("reservations");
    const before = this.#money.get(host);
    if (before?.terms === terms && before?.writes === writes) return;
    this.#money.set(host, { terms, writes });
    const roomMicroUsd = this.roomMicroUsd(host);
    if (roomMicroUsd < 0)
      this.report(`${host.name} has committed and set aside ${-roomMicroUsd} micro-dollars too much`);
  }

  /** What is left of an organization's budget on the day on which it has committed and set aside most. */
  roomMicroUsd({ disk }: ObjectHost): number {
    const budgetMicroUsd = Number(
      propertyOf(propertyOf(disk.read("terms"), "limits"), "dailyBudgetMicroUsd") ?? Infinity,
    );
    const days = disk.query<{ used: number }>(
      `SELECT committed_micro_usd + (SELECT IFNULL(SUM(amount_micro_usd), 0) FROM reservations
         WHERE reserved_at_ms >= start_ms AND reserved_at_ms < start_ms + 86400000) AS used
       FROM spending WHERE kind = 'day'`,
    );
    return budgetMicroUsd - Math.max(0, ...days.map(({ used }) => used));
  }

  /** Carries out a call, and checks that a stale epoch is refused. */
  async checked(
    host: ObjectHost,
    method: string,
    command: unknown,
    carryOut: () => Promise<unknown>,
  ): Promise<unknown> {
    if (!fencedCalls.has(method)) return carryOut();
    const jobId = textOf(command, "jobId");
    const epoch = propertyOf(command, "epoch");
    const liveEpoch = this.models.get(host.name)?.liveEpoch(jobId);
    const answer = await carryOut();
    if (propertyOf(answer, "accepted") === true && epoch !== liveEpoch) {
      this.report(
        `${host.name}: ${method} of epoch ${String(epoch)} of ${jobId} was accepted; ${String(liveEpoch)} lives`,
      );
    }
    return answer;
  }
}
