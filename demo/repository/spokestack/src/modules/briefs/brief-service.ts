import type { Brief, BriefStatus, Person } from "./brief-types";
import { refusalOf, withStatus, type StatusRefusal } from "./brief-workflow";

export interface BriefStore {
  find(organizationId: string, briefId: string): Promise<Brief | null>;
  /** Stores the brief and one line of `brief_status_history` in one transaction. */
  saveStatus(change: { before: Brief; after: Brief; changedById: string; notes: string | null }): Promise<void>;
}

export interface BriefNotifier {
  statusChanged(brief: Brief, from: BriefStatus): Promise<void>;
}

export type StatusChange =
  | { readonly ok: true; readonly brief: Brief }
  | { readonly ok: false; readonly reason: StatusRefusal | "not_found" };

/** Sets a brief's status if the workflow allows it, and tells whoever waits for it. */
export async function changeBriefStatus(
  ports: { store: BriefStore; notifier: BriefNotifier },
  command: { organizationId: string; briefId: string; status: BriefStatus; person: Person; notes: string | null; at: Date },
): Promise<StatusChange> {
  const before = await ports.store.find(command.organizationId, command.briefId);
  if (before === null) return { ok: false, reason: "not_found" };
  const refusal = refusalOf(before, command.status, command.person);
  if (refusal !== null) return { ok: false, reason: refusal };

  const after = withStatus(before, command.status, command.at);
  await ports.store.saveStatus({ before, after, changedById: command.person.id, notes: command.notes });
  await ports.notifier.statusChanged(after, before.status);
  return { ok: true, brief: after };
}
