/** The organizations that the platform knows, and the terms that follow from their settings. */
import type { OrganizationSettings } from "../../contracts/platform-rpc.ts";
import { completeTerms, defaultTerms, type Terms } from "../../contracts/terms.ts";
import { fromStoredJson } from "../stored-json.ts";
import { termsOf } from "./terms-of.ts";

export interface DirectoryEntry {
  readonly settings: OrganizationSettings;
  readonly terms: Terms;
}

export class Directory {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
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
      terms: completeTerms(fromStoredJson<Terms>(row.terms)),
    };
  }

  /** The organization's terms: the defaults for one that nobody has set up. */
  terms(organizationId: string): Terms {
    return this.find(organizationId)?.terms ?? defaultTerms(organizationId);
  }

  /** Stores settings under the next version of the terms. */
  put(settings: OrganizationSettings): DirectoryEntry {
    const terms = termsOf(settings, this.terms(settings.organizationId).version + 1);
    this.#sql.exec(
      "INSERT OR REPLACE INTO organizations (id, settings, terms) VALUES (?, ?, ?)",
      settings.organizationId,
      JSON.stringify(settings),
      JSON.stringify(terms),
    );
    return { settings, terms };
  }
}
