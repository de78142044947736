/** Sets organizations up, and takes back by itself what was set for a time only. */
import type { OrganizationSettings, PutOrganization } from "../../contracts/platform-rpc.ts";
import type { Transaction } from "../transactions.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";
import { settingsAt } from "./terms-of.ts";
import type { TermsPush } from "./terms-push.ts";

export interface OrganizationDeskParts {
  readonly directory: Directory;
  readonly audit: AuditLog;
  readonly termsPush: TermsPush;
}

function deadlineName(organizationId: string): string {
  return `limits:${organizationId}`;
}

export class OrganizationDesk {
  readonly #parts: OrganizationDeskParts;

  constructor(parts: OrganizationDeskParts) {
    this.#parts = parts;
  }

  /** Stores what an operator set, and writes down who did. Throws when a limit or the repository is not valid. */
  set(transaction: Transaction, { actor, ...settings }: PutOrganization): DirectoryEntry {
    const { directory, audit } = this.#parts;
    const before = directory.find(settings.organizationId)?.settings ?? null;
    const entry = this.#put(transaction, settings);
    const scope = { kind: "organization", value: settings.organizationId } as const;
    const change = { now: entry.settings, before };
    audit.record({ atMs: transaction.nowMs, action: "organization.set", scope, actor, settings: change });
    return entry;
  }

  /** Lets the tier's limits hold again, under the next version of the terms, once the overrides are over. */
  expireLimits(transaction: Transaction, organizationId: string): void {
    const entry = this.#parts.directory.find(organizationId);
    if (entry !== null) this.#put(transaction, entry.settings);
  }

  /** Stores settings and tells the organization of its new terms. Throws when a limit or the repository is not valid. */
  #put(transaction: Transaction, settings: OrganizationSettings): DirectoryEntry {
    const { directory, termsPush } = this.#parts;
    const { organizationId } = settings;
    const entry = directory.put(settingsAt(settings, transaction.nowMs));
    const { expiresAtMs } = entry.settings.limitOverrides;
    if (expiresAtMs === null) transaction.deadlines.clear(deadlineName(organizationId));
    else transaction.deadlines.set(deadlineName(organizationId), expiresAtMs);
    termsPush.push(transaction, organizationId);
    return entry;
  }
}
