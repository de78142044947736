/** Watches a run from outside of the code under test: reads what was committed, and holds it against the rules. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { Disk } from "./disk.ts";
import type { ObjectHost } from "./object-host.ts";
import { OrganizationModel } from "./organization-model.ts";
import { PlatformRules } from "./platform-rules.ts";
import { PlatformWatch } from "./platform-watch.ts";
import { propertyOf, textOf } from "./properties.ts";
import { WorkRules } from "./work-rules.ts";

export interface ObserverOptions {
  readonly organizationIds: readonly string[];
  readonly globalSlots: number;
  readonly nowMs: () => number;
  readonly after: (delayMs: number, task: () => false) => void;
  readonly onEvent: (organizationId: string, event: OrganizationEvent) => void;
  readonly organizationDisk: (organizationId: string) => Disk | undefined;
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

interface MoneySeen {
  readonly terms: unknown;
  readonly writes: number;
  /** The least room that these terms allow: 0, or what was overspent when they came. */
  readonly leastMicroUsd: number;
}

/** Committed and set aside, for each period in which something was committed. */
const usedOfPeriods = `
  SELECT kind, committed_micro_usd + (
    SELECT IFNULL(SUM(amount_micro_usd), 0) FROM reservations WHERE reserved_at_ms >= start_ms AND reserved_at_ms <
      CASE kind WHEN 'day' THEN start_ms + 86400000 ELSE 1000 * unixepoch(start_ms / 1000, 'unixepoch', '+1 month') END
  ) AS used FROM spending`;

/** Jobs beyond the cost that their submission allows. */
const overCeilings = `
  SELECT j.id AS id, j.state ->> '$.record.costMicroUsd' + IFNULL(r.amount_micro_usd, 0) -
    (j.state ->> '$.record.config.maxCostMicroUsd') AS over
  FROM jobs j LEFT JOIN reservations r ON r.job_id = j.id
  WHERE j.state ->> '$.record.config.maxCostMicroUsd' IS NOT NULL AND over > 0`;

export class Observer {
  readonly models = new Map<string, OrganizationModel>();
  readonly problems: string[] = [];
  readonly platform: PlatformWatch;
  readonly #options: ObserverOptions;
  readonly #platformRules: PlatformRules;
  readonly #rules = new Map<string, WorkRules>();
  /** How often the tables had been written when they were looked at last: nothing new stands in them until it grows. */
  readonly #eventWrites = new WeakMap<ObjectHost, number>();
  readonly #money = new WeakMap<ObjectHost, MoneySeen>();
  #trace = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    const report = (problem: string): void => this.report(problem);
    this.platform = new PlatformWatch({ ...options, report });
    this.#platformRules = new PlatformRules({ ...options, report });
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
  addOrganization(host: ObjectHost, limit: () => number): void {
    const organizationId = host.name;
    const runningEverywhere = (): number => [...this.models.values()].reduce((sum, model) => sum + model.running(), 0);
    const report = (problem: string): void => this.report(`${organizationId}: ${problem}`);
    const model = new OrganizationModel({ limit, globalLimit: this.#options.globalSlots, runningEverywhere, report });
    this.models.set(organizationId, model);
    this.#rules.set(organizationId, new WorkRules({ host, model, report }));
  }

  /** Looks at what the platform has just stored. */
  platformCommitted(host: ObjectHost): void {
    this.platform.look(host);
    this.#platformRules.committed(host);
  }

  /** Reads the events that an organization has just stored. */
  organizationCommitted(host: ObjectHost): void {
    const model = this.models.get(host.name);
    if (model === undefined) return;
    this.#lookAtMoney(host);
    this.#takeEvents(host, model);
    this.#rules.get(host.name)?.committed();
  }

  #takeEvents(host: ObjectHost, model: OrganizationModel): void {
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
      this.#rules.get(host.name)?.take(event);
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
    const roomMicroUsd = this.roomMicroUsd(host);
    // A budget may be lowered below what is spent: then nothing more is spent.
    const leastMicroUsd = before?.terms === terms ? (before?.leastMicroUsd ?? 0) : Math.min(0, roomMicroUsd);
    this.#money.set(host, { terms, writes, leastMicroUsd });
    if (roomMicroUsd < leastMicroUsd)
      this.report(`${host.name} has committed and set aside ${-roomMicroUsd} micro-dollars too much`);
    if (this.models.get(host.name)?.hasCeilings() !== true) return;
    for (const { id, over } of disk.query<{ id: string; over: number }>(overCeilings))
      this.report(`${host.name}: ${id} has committed and set aside ${over} micro-dollars more than its ceiling`);
  }

  /** What is left of an organization's budgets where least is; the periods are all that it has spent in. */
  roomMicroUsd({ disk }: ObjectHost): number {
    const limits = propertyOf(disk.read("terms"), "limits");
    const limitOf = (kind: string): number => Number(propertyOf(limits, kind) ?? Infinity);
    const budgets = { day: limitOf("dailyBudgetMicroUsd"), month: limitOf("monthlyBudgetMicroUsd") };
    const used = disk.query<{ kind: "day" | "month"; used: number }>(usedOfPeriods);
    return Math.min(Infinity, budgets.day, budgets.month, ...used.map((period) => budgets[period.kind] - period.used));
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
    if (method === "fail" && propertyOf(command, "failureClass") === "permanent")
      this.#rules.get(host.name)?.failed(jobId, epoch);
    const answer = await carryOut();
    if (propertyOf(answer, "accepted") === true && epoch !== liveEpoch) {
      this.report(
        `${host.name}: ${method} of epoch ${String(epoch)} of ${jobId} was accepted; ${String(liveEpoch)} lives`,
      );
    }
    return answer;
  }
}
