/** Wires the plain parts of the platform together; the object's class is the adapter around them. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { OrganizationEntry } from "../../contracts/platform-rpc.ts";
import type { Timings } from "../../contracts/timings.ts";
import { type Deadline, parseDeadlineName } from "../deadlines.ts";
import type { ObjectPorts } from "../object-ports.ts";
import { type Transaction, Transactions } from "../transactions.ts";
import { DemandTable } from "./demand-table.ts";
import { Directory, type DirectoryEntry } from "./directory.ts";
import { HealthHistory } from "./health-history.ts";
import { OrganizationDesk } from "./organization-desk.ts";
import { SlotDesk } from "./slot-desk.ts";
import { SlotTable } from "./slot-table.ts";
import { TermsPush } from "./terms-push.ts";

export interface PlatformOptions {
  readonly context: DurableObjectState;
  readonly ports: ObjectPorts;
  readonly timings: Timings;
  readonly globalSlots: number;
  readonly organization: (organizationId: string) => OrganizationRpc;
}

export type PlatformParts = ReturnType<typeof createPlatformParts>;

/** Makes the parts over an object's storage, whose schema is up to date. */
export function createPlatformParts(options: PlatformOptions) {
  const { context, ports, timings, globalSlots, organization } = options;
  const { sql } = context.storage;
  const transactions = new Transactions({ context, ports, faultDelayMs: timings.resendAfterMs });
  const directory = new Directory(sql);
  const demands = new DemandTable(sql);
  const slots = new SlotTable(sql);
  const health = new HealthHistory(sql);
  const slotDesk = new SlotDesk({ demands, slots, globalSlots, timings, transactions, organization });
  const termsPush = new TermsPush({ directory, timings, transactions, organization });
  const organizations = new OrganizationDesk({ directory, termsPush });

  const onDeadline = (transaction: Transaction, deadline: Deadline): void => {
    const { kind, subject } = parseDeadlineName(deadline.name);
    switch (kind) {
      case "offer":
        return slotDesk.repeatOffer(transaction, subject, deadline);
      case "slot":
        return slotDesk.expireLease(transaction, subject, deadline);
      case "limits":
        return organizations.expireLimits(transaction, subject);
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

  return { transactions, directory, demands, slots, health, slotDesk, organizations, termsPush, entryOf, handleDue };
}
