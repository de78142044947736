/** Sums how work ends over all organizations, and tells them when that says something new of an agent on a model. */
import { type OutcomeCount, type OutcomeReport, outcomeVerdict } from "../../contracts/outcomes.ts";
import type { Transaction } from "../transactions.ts";
import type { OutcomeTable } from "./outcome-table.ts";
import type { Switchboard } from "./switchboard.ts";
import type { TermsPush } from "./terms-push.ts";

export interface OutcomeDeskParts {
  readonly outcomes: OutcomeTable;
  readonly switchboard: Switchboard;
  readonly termsPush: TermsPush;
}

export class OutcomeDesk {
  readonly #parts: OutcomeDeskParts;

  constructor(parts: OutcomeDeskParts) {
    this.#parts = parts;
  }

  /** Takes an organization's counts; a report that came before, or late, changes nothing. */
  takeReport(transaction: Transaction, { organizationId, counts }: OutcomeReport): void {
    const isNews = counts.map((count) => this.#take(organizationId, count)).some((changed) => changed);
    if (!isNews) return;
    const { switchboard, termsPush } = this.#parts;
    switchboard.noteChange({ kind: "platform" });
    termsPush.pushChange(transaction, { kind: "platform" }, { tightens: false });
  }

  /** Whether the verdict on the agent and model is another one with this count. */
  #take(organizationId: string, count: OutcomeCount): boolean {
    const { outcomes } = this.#parts;
    const known = outcomes.reported(organizationId, count);
    const more = { succeeded: count.succeeded - known.succeeded, failed: count.failed - known.failed };
    if (more.succeeded < 0 || more.failed < 0 || more.succeeded + more.failed === 0) return false;
    const before = outcomes.sum(count);
    outcomes.add(organizationId, count, more);
    return outcomeVerdict(before) !== outcomeVerdict(outcomes.sum(count));
  }
}
