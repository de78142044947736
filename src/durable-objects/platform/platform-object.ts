/** The one object that shares slots among organizations and knows their terms; it never sees a tenant's content. */
import { DurableObject } from "cloudflare:workers";
import type * as Rpc from "../../contracts/platform-rpc.ts";
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Clock } from "../../core/clock.ts";
import { parseSchedulingSettings } from "../../env.ts";
import { type Deadline, parseDeadlineName } from "../deadlines.ts";
import { type ObjectPorts, systemPorts } from "../object-ports.ts";
import { rpcStub } from "../rpc-stub.ts";
import { migrateSchema } from "../schema-version.ts";
import { type Transaction, Transactions } from "../transactions.ts";
import { DemandTable } from "./demand-table.ts";
import { Directory, type DirectoryEntry } from "./directory.ts";
import { HealthHistory } from "./health-history.ts";
import { platformMigrations } from "./schema.ts";
import { SlotDesk } from "./slot-desk.ts";
import { SlotTable } from "./slot-table.ts";
import { TermsPush } from "./terms-push.ts";

export class PlatformObject extends DurableObject<Env> implements Rpc.PlatformRpc {
  readonly #clock: Clock;
  readonly #globalSlots: number;
  readonly #organization: (organizationId: string) => OrganizationRpc;
  readonly #directory: Directory;
  readonly #demands: DemandTable;
  readonly #slots: SlotTable;
  readonly #health: HealthHistory;
  readonly #transactions: Transactions;
  readonly #slotDesk: SlotDesk;
  readonly #termsPush: TermsPush;

  /** Throws when the settings are bad. */
  constructor(context: DurableObjectState, env: Env, outside: Partial<ObjectPorts> = {}) {
    super(context, env);
    const { globalSlots, timings } = parseSchedulingSettings(env);
    const { sql } = context.storage;
    migrateSchema(context.storage, platformMigrations);
    const organization = (organizationId: string): OrganizationRpc =>
      rpcStub<OrganizationRpc>(env.ORGANIZATIONS, organizationId);
    const given: ObjectPorts = { ...systemPorts, ...outside };
    const ports: ObjectPorts = { ...given, logger: given.logger.with({ component: "platform" }) };
    const transactions = new Transactions({ context, ports, faultDelayMs: timings.resendAfterMs });
    const directory = new Directory(sql);
    const demands = new DemandTable(sql);
    const slots = new SlotTable(sql);

    this.#clock = ports.clock;
    this.#globalSlots = globalSlots;
    this.#organization = organization;
    this.#directory = directory;
    this.#demands = demands;
    this.#slots = slots;
    this.#health = new HealthHistory(sql);
    this.#transactions = transactions;
    this.#slotDesk = new SlotDesk({ demands, slots, globalSlots, timings, transactions, organization });
    this.#termsPush = new TermsPush({ directory, timings, transactions, organization });
  }

  reportDemand(report: Rpc.DemandReport): Promise<Rpc.DemandReceipt> {
    return this.#change((transaction) => this.#slotDesk.takeReport(transaction, report));
  }

  readTerms(organizationId: string): Promise<Terms> {
    return this.#answer(() => this.#directory.terms(organizationId));
  }

  /** Throws when a limit or the repository's name is not valid. */
  putOrganization(settings: Rpc.OrganizationSettings): Promise<Rpc.OrganizationEntry> {
    return this.#change((transaction) => {
      const entry = this.#directory.put(settings);
      this.#termsPush.push(transaction, settings.organizationId);
      return this.#entryOf(entry);
    });
  }

  readOrganization(organizationId: string): Promise<Rpc.OrganizationEntry | null> {
    return this.#answer(() => {
      const entry = this.#directory.find(organizationId);
      return entry === null ? null : this.#entryOf(entry);
    });
  }

  recordHealth(sample: Rpc.HealthSample): Promise<void> {
    return this.#change(() => this.#health.record(sample));
  }

  readHealth(limit: number): Promise<readonly Rpc.HealthSample[]> {
    return this.#answer(() => this.#health.list(limit));
  }

  readStatus(): Promise<Rpc.PlatformStatus> {
    return this.#answer(() => ({
      globalSlots: this.#globalSlots,
      slotsInUse: this.#slots.count(),
      ...this.#demands.totals(),
    }));
  }

  wakeOverdue(olderThanMs: number): Promise<number> {
    return this.#change((transaction) => {
      const silent = this.#demands.silentSince(this.#clock.nowMs() - olderThanMs);
      for (const organizationId of silent) {
        transaction.afterCommit("check in", () => this.#organization(organizationId).checkIn({ organizationId }));
      }
      return silent.length;
    });
  }

  override alarm(): void {
    this.#transactions.handleDue((deadline) =>
      this.#transactions.run((transaction) => {
        transaction.deadlines.clear(deadline.name);
        this.#onDeadline(transaction, deadline);
      }),
    );
  }

  #onDeadline(transaction: Transaction, deadline: Deadline): void {
    const { kind, subject } = parseDeadlineName(deadline.name);
    switch (kind) {
      case "offer":
        return this.#slotDesk.repeatOffer(transaction, subject, deadline);
      case "slot":
        return this.#slotDesk.expireLease(transaction, subject, deadline);
      case "terms":
        return this.#termsPush.repeat(transaction, subject, deadline);
      default:
        throw new Error(`nothing handles the deadline ${deadline.name}`);
    }
  }

  #entryOf({ settings, terms }: DirectoryEntry): Rpc.OrganizationEntry {
    const { organizationId } = settings;
    return {
      ...settings,
      terms,
      demand: this.#demands.find(organizationId)?.demand ?? 0,
      slotsInUse: this.#slots.count(organizationId),
    };
  }

  /** Runs `work` at once; a throw rejects the promise, as the RPC expects. */
  #answer<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve) => {
      resolve(work());
    });
  }

  #change<Result>(work: (transaction: Transaction) => Result): Promise<Result> {
    return this.#answer(() => this.#transactions.run(work));
  }
}
