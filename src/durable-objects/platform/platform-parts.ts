/** Wires the plain parts of the platform together; the object's class is the adapter around them. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { PlatformSnapshot } from "../../contracts/platform-events.ts";
import type { OrganizationEntry, PlatformStatus } from "../../contracts/platform-rpc.ts";
import { debugging, isHolding } from "../../contracts/switch-evaluation.ts";
import type { Switch } from "../../contracts/switches.ts";
import type { Timings } from "../../contracts/timings.ts";
import { type Deadline, parseDeadlineName } from "../deadlines.ts";
import type { LiveSettings } from "../live/live-stream.ts";
import { closeEndedSockets, socketDeadline } from "../live/socket-deadline.ts";
import type { ObjectPorts } from "../object-ports.ts";
import { forgetExpiredAnswers, RememberedAnswers } from "../remembered-answers.ts";
import { StorageMemory } from "../storage-memory.ts";
import { type Transaction, Transactions } from "../transactions.ts";
import { AuditLog } from "./audit-log.ts";
import { BreakerDesk } from "./breaker-desk.ts";
import { BreakerTable } from "./breaker-table.ts";
import { DemandTable } from "./demand-table.ts";
import { Directory, type DirectoryEntry } from "./directory.ts";
import { HealthHistory } from "./health-history.ts";
import { OutcomeDesk } from "./outcome-desk.ts";
import { OutcomeTable } from "./outcome-table.ts";
import { OrganizationDesk } from "./organization-desk.ts";
import { PlatformLog } from "./platform-log.ts";
import { PlatformSockets } from "./platform-sockets.ts";
import { SessionTable } from "./session-table.ts";
import { SlotDesk } from "./slot-desk.ts";
import { SlotTable } from "./slot-table.ts";
import { SwitchDesk } from "./switch-desk.ts";
import { Switchboard } from "./switchboard.ts";
import { TermsPush } from "./terms-push.ts";

/** A snapshot tells of at most so many busy organizations. */
const snapshotOrganizations = 1_000;

export interface PlatformOptions {
  readonly context: DurableObjectState;
  readonly ports: ObjectPorts;
  readonly timings: Timings;
  readonly globalSlots: number;
  readonly live: LiveSettings;
  readonly organization: (organizationId: string) => OrganizationRpc;
}

export type PlatformParts = ReturnType<typeof createPlatformParts>;

/** Makes the parts over an object's storage, whose schema is up to date. */
export function createPlatformParts(options: PlatformOptions) {
  const { context, ports, timings, globalSlots, live, organization } = options;
  const { storage } = context;
  const { sql } = storage;
  const transactions = new Transactions({
    context,
    ports,
    faultDelayMs: timings.resendAfterMs,
    memory: new StorageMemory(storage),
  });
  const switchboard = new Switchboard(sql);
  const breakers = new BreakerTable(sql);
  const outcomes = new OutcomeTable(sql);
  const directory = new Directory(sql, switchboard, { breakers, outcomes });
  const demands = new DemandTable(sql);
  const slots = new SlotTable(sql);
  const health = new HealthHistory(sql);
  const audit = new AuditLog(sql);
  const sessions = new SessionTable(sql, audit);

  const status = (): PlatformStatus => ({ globalSlots, slotsInUse: slots.count(), ...demands.totals() });
  const snapshot = (): PlatformSnapshot => ({
    status: status(),
    organizations: demands.busy(snapshotOrganizations),
    slots: slots.all().map(({ slotId, number, organizationId, isHeld }) => ({
      slotId,
      number,
      organizationId,
      isHeld,
    })),
    switches: switchboard.list(),
    breakers: breakers.list(),
    health: health.list(1)[0] ?? null,
  });
  const { clock, setTimer, logger } = ports;
  const sockets = new PlatformSockets({
    context,
    log: () => log,
    snapshot,
    clock,
    settings: live,
    setTimer,
    logger,
  });
  const log: PlatformLog = new PlatformLog({ storage, ports, onAppended: () => sockets.resume() });

  const slotDesk: SlotDesk = new SlotDesk({
    demands,
    slots,
    log,
    timings,
    transactions,
    organization,
    slotLimit: () => {
      const isDebugged = debugging(switchboard.list(), ports.clock.nowMs()).some(
        ({ scope }) => scope.kind === "platform",
      );
      return isDebugged ? 1 : globalSlots;
    },
    isStale: (transaction, organizationId, termsVersion) => {
      if (termsVersion >= directory.version(organizationId)) return false;
      termsPush.pushToOutdated(transaction, organizationId);
      return (
        isHolding(switchboard.list(organizationId), transaction.nowMs) ||
        switchboard.clearOf(organizationId) !== null ||
        breakers.list().length > 0
      );
    },
  });
  const termsPush: TermsPush = new TermsPush({
    directory,
    demands,
    timings,
    transactions,
    organization,
    onAcknowledged: (transaction, organizationId) => {
      demands.setStale(organizationId, false);
      slotDesk.grantFree(transaction);
    },
  });
  const switches = new SwitchDesk({
    switchboard,
    audit,
    log,
    termsPush,
    answers: new RememberedAnswers<Switch>(sql, "POST /admin/switches"),
  });
  const outcomeDesk = new OutcomeDesk({ outcomes, switchboard, termsPush });
  const breakerDesk = new BreakerDesk({
    breakers,
    switchboard,
    log,
    termsPush,
    timings: { firstOpenMs: 2 * timings.leaseMs, longestOpenMs: timings.resendMaxMs },
  });
  const organizations = new OrganizationDesk({ directory, audit, termsPush });

  const onDeadline = (transaction: Transaction, deadline: Deadline): void => {
    const { kind, subject } = parseDeadlineName(deadline.name);
    switch (kind) {
      case "offer":
        return slotDesk.repeatOffer(transaction, subject, deadline);
      case "slot":
        return slotDesk.expireLease(transaction, subject, deadline);
      case socketDeadline:
        return closeEndedSockets(transaction, sockets);
      case "limits":
        return organizations.expireLimits(transaction, subject);
      case "switch":
        return switches.expire(transaction, subject);
      case "answers":
        return forgetExpiredAnswers(sql, transaction);
      case "breaker":
        return breakerDesk.probe(transaction, subject);
      case "terms":
        return termsPush.repeat(transaction, subject, deadline);
      default:
        throw new Error(`nothing handles the deadline ${deadline.name}`);
    }
  };
  /** Acts on whatever is due. */
  const handleDue = (): void =>
    transactions.handleDue((deadline) =>
      transactions.run((transaction) => {
        transaction.deadlines.clear(deadline.name);
        onDeadline(transaction, deadline);
      }),
    );
  const entryOf = ({ settings, terms }: DirectoryEntry): OrganizationEntry => ({
    ...settings,
    terms,
    demand: demands.find(settings.organizationId)?.demand ?? 0,
    slotsInUse: slots.count(settings.organizationId),
  });

  return {
    transactions,
    directory,
    demands,
    slots,
    health,
    switchboard,
    audit,
    sessions,
    log,
    sockets,
    slotDesk,
    organizations,
    termsPush,
    switches,
    breakerDesk,
    outcomeDesk,
    status,
    entryOf,
    handleDue,
  };
}
