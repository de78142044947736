/** Pushes new terms to their organizations until they have them. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import { scopeOrganization, type SwitchScope } from "../../contracts/switches.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { Transaction, Transactions } from "../transactions.ts";
import type { DemandTable } from "./demand-table.ts";
import type { Directory } from "./directory.ts";

/** A change that concerns every organization goes out to so many at a time, this far apart. */
const batchOrganizations = 100;
const batchDelayMs = 100;

export interface TermsPushParts {
  readonly directory: Directory;
  readonly demands: DemandTable;
  readonly timings: Timings;
  readonly transactions: Transactions;
  readonly organization: (organizationId: string) => Pick<OrganizationRpc, "applyTerms">;
  /** Runs when an organization has the present terms. */
  readonly onAcknowledged: (transaction: Transaction, organizationId: string) => void;
}

export class TermsPush {
  readonly #parts: TermsPushParts;

  constructor(parts: TermsPushParts) {
    this.#parts = parts;
  }

  push(transaction: Transaction, organizationId: string, tries = 0): void {
    const { directory, timings } = this.#parts;
    const terms = directory.terms(organizationId);
    const delayMs = resendDelayMs(tries, objectResends(timings));
    transaction.deadlines.set(deadlineName(organizationId), transaction.nowMs + delayMs, tries);
    transaction.afterCommit("push terms", () => this.#deliver(terms));
  }

  /** Pushes to an organization that was seen to have older terms, unless that is under way. */
  pushToOutdated(transaction: Transaction, organizationId: string): void {
    if (transaction.deadlines.get(deadlineName(organizationId)) === null) this.push(transaction, organizationId);
  }

  /**
   * Pushes a change of switches to the busy organizations that it concerns. When it `tightens`, they get no slot before
   * they have acknowledged it.
   */
  pushChange(transaction: Transaction, scope: SwitchScope, { tightens }: { readonly tightens: boolean }): void {
    const { demands } = this.#parts;
    const only = scopeOrganization(scope);
    const concerned = demands.busy().filter(({ organizationId }) => only === null || organizationId === only);
    for (const [index, { organizationId }] of concerned.entries()) {
      if (tightens) demands.setStale(organizationId, true);
      const batch = Math.floor(index / batchOrganizations);
      if (batch === 0) this.push(transaction, organizationId);
      // The deadline counts from -1, so that the first push is try 0.
      else transaction.deadlines.set(deadlineName(organizationId), transaction.nowMs + batch * batchDelayMs, -1);
    }
  }

  /** Pushes again what was not acknowledged. */
  repeat(transaction: Transaction, organizationId: string, deadline: Deadline): void {
    this.push(transaction, organizationId, deadline.tries + 1);
  }

  async #deliver(terms: Terms): Promise<void> {
    const { directory, organization, transactions, onAcknowledged } = this.#parts;
    const { organizationId } = terms;
    await organization(organizationId).applyTerms(terms);
    transactions.run((transaction) => {
      if (directory.version(organizationId) !== terms.version) return;
      transaction.deadlines.clear(deadlineName(organizationId));
      onAcknowledged(transaction, organizationId);
    });
  }
}

function deadlineName(organizationId: string): string {
  return `terms:${organizationId}`;
}
