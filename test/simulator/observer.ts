/** Watches a run from outside of the code under test: reads what was committed, and holds it against the rules. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import { ConversationRules } from "./conversation-rules.ts";
import type { Disk } from "./disk.ts";
import { MoneyRules } from "./money-rules.ts";
import type { ObjectHost } from "./object-host.ts";
import { OrganizationModel } from "./organization-model.ts";
import { PlatformRules } from "./platform-rules.ts";
import { PlatformWatch } from "./platform-watch.ts";
import { propertyOf, textOf } from "./properties.ts";
import { ReplayRules } from "./replay-rules.ts";
import { RestRules } from "./rest-rules.ts";
import { WorkRules } from "./work-rules.ts";

export interface ObserverOptions {
  readonly organizationIds: readonly string[];
  readonly globalSlots: number;
  readonly nowMs: () => number;
  readonly after: (delayMs: number, task: () => false) => void;
  readonly onEvent: (organizationId: string, event: OrganizationEvent) => void;
  readonly organizationDisk: (organizationId: string) => Disk | undefined;
}

/** Rules that an organization is held to. */
interface Rules {
  /** Takes an event that the model does not know yet. */
  take?(event: OrganizationEvent): void;
  /** Looks at what a change has left. */
  committed(): void;
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
  readonly conversations = new Map<string, ConversationRules>();
  readonly problems: string[] = [];
  readonly platform: PlatformWatch;
  readonly #options: ObserverOptions;
  readonly #platformRules: PlatformRules;
  readonly #rules = new Map<string, readonly Rules[]>();
  readonly #workRules = new Map<string, WorkRules>();
  /** How often the tables had been written when they were looked at last: nothing new stands in them until it grows. */
  readonly #eventWrites = new WeakMap<ObjectHost, number>();
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
    const parts = { host, model, report, faultsStoppedAtMs: () => this.platform.faultsStoppedAtMs() };
    const work = new WorkRules(parts);
    const conversation = new ConversationRules(parts);
    this.#workRules.set(organizationId, work);
    this.conversations.set(organizationId, conversation);
    this.#rules.set(organizationId, [
      work,
      conversation,
      new ReplayRules(parts),
      new MoneyRules(parts),
      new RestRules(parts),
    ]);
  }

  /** Looks at what the platform has just stored. */
  platformCommitted(host: ObjectHost): void {
    this.platform.platformCommitted(host);
    this.#platformRules.committed(host);
  }

  /** Reads the events that an organization has just stored. */
  organizationCommitted(host: ObjectHost): void {
    const model = this.models.get(host.name);
    if (model === undefined) return;
    this.#takeEvents(host, model);
    for (const rules of this.#rules.get(host.name) ?? []) rules.committed();
    this.platform.organizationCommitted(host);
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
      for (const rules of this.#rules.get(host.name) ?? []) rules.take?.(event);
      model.take(event);
      this.#options.onEvent(host.name, event);
    }
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
      this.#workRules.get(host.name)?.failed(jobId, epoch);
    const answer = await carryOut();
    if (propertyOf(answer, "accepted") === true && epoch !== liveEpoch) {
      this.report(
        `${host.name}: ${method} of epoch ${String(epoch)} of ${jobId} was accepted; ${String(liveEpoch)} lives`,
      );
    }
    return answer;
  }
}
