/** Pushes new terms to their organization until it has them. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { Transaction, Transactions } from "../transactions.ts";
import type { Directory } from "./directory.ts";

export interface TermsPushParts {
  readonly directory: Directory;
  readonly timings: Timings;
  readonly transactions: Transactions;
  readonly organization: (organizationId: string) => Pick<OrganizationRpc, "applyTerms">;
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
    transaction.deadlines.set(`terms:${organizationId}`, transaction.nowMs + delayMs, tries);
    transaction.afterCommit("push terms", () => this.#deliver(terms));
  }

  /** Pushes again what was not acknowledged. */
  repeat(transaction: Transaction, organizationId: string, deadline: Deadline): void {
    this.push(transaction, organizationId, deadline.tries + 1);
  }

  async #deliver(terms: Terms): Promise<void> {
    const { directory, organization, transactions } = this.#parts;
    await organization(terms.organizationId).applyTerms(terms);
    transactions.run((transaction) => {
      if (directory.terms(terms.organizationId).version !== terms.version) return;
      transaction.deadlines.clear(`terms:${terms.organizationId}`);
    });
  }
}
