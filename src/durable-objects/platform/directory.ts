/** The organizations that the platform knows, and the terms that follow from their settings. */
import type { OrganizationSettings } from "../../contracts/platform-rpc.ts";
import { completeTerms, defaultTerms, type Terms } from "../../contracts/terms.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { BreakerTable } from "./breaker-table.ts";
import type { OutcomeTable } from "./outcome-table.ts";
import type { Switchboard } from "./switchboard.ts";
import { termsOf } from "./terms-of.ts";

export interface DirectoryEntry {
  readonly settings: OrganizationSettings;
  readonly terms: Terms;
}

/** What the platform knows of the models. */
export interface ModelKnowledge {
  readonly breakers: Pick<BreakerTable, "list">;
  readonly outcomes: Pick<OutcomeTable, "list">;
}

export class Directory {
  readonly #sql: SqlStorage;
  readonly #switchboard: Switchboard;
  readonly #models: ModelKnowledge;

  constructor(sql: SqlStorage, switchboard: Switchboard, models: ModelKnowledge) {
    this.#sql = sql;
    this.#switchboard = switchboard;
    this.#models = models;
  }

  find(organizationId: string): DirectoryEntry | null {
    const row = this.#sql
      .exec<{ settings: string; terms: string }>(
        "SELECT settings, terms FROM organizations WHERE id = ?",
        organizationId,
      )
      .next().value;
    if (row === undefined) return null;
    return {
      settings: fromStoredJson<OrganizationSettings>(row.settings),
      terms: this.#withPlatformState(completeTerms(fromStoredJson<Terms>(row.terms))),
    };
  }

  /** The organization's terms: the defaults for one that nobody has set up. */
  terms(organizationId: string): Terms {
    return this.find(organizationId)?.terms ?? this.#withPlatformState(defaultTerms(organizationId));
  }

  /** The version of the organization's terms. */
  version(organizationId: string): number {
    return this.#ownVersion(organizationId) + this.#switchboard.version(organizationId);
  }

  /** Stores settings under the next version of the terms. */
  put(settings: OrganizationSettings): DirectoryEntry {
    const terms = termsOf(settings, this.#ownVersion(settings.organizationId) + 1);
    this.#sql.exec(
      "INSERT OR REPLACE INTO organizations (id, settings, terms) VALUES (?, ?, ?)",
      settings.organizationId,
      JSON.stringify(settings),
      JSON.stringify(terms),
    );
    return { settings, terms: this.#withPlatformState(terms) };
  }

  /** How often the settings were set; what is stored of the terms counts that alone. */
  #ownVersion(organizationId: string): number {
    const row = this.#sql
      .exec<{ version: number }>(
        "SELECT terms ->> 'version' AS version FROM organizations WHERE id = ?",
        organizationId,
      )
      .next().value;
    return row?.version ?? 0;
  }

  /** Both counts only grow, and so does their sum, whichever of them a change concerns. */
  #withPlatformState(stored: Terms): Terms {
    const { organizationId } = stored;
    return {
      ...stored,
      version: stored.version + this.#switchboard.version(organizationId),
      switches: this.#switchboard.list(organizationId),
      breakers: this.#models.breakers.list(),
      outcomes: this.#models.outcomes.list(),
      clear: this.#switchboard.clearOf(organizationId),
    };
  }
}
