/** One change of an organization: a transaction that appends its events. */
import type { NewEvent, OrganizationEvent } from "../../contracts/events.ts";
import type { Transaction, Transactions } from "../transactions.ts";
import type { EventLog } from "./event-log.ts";

export interface Change extends Transaction {
  /** Appends an event; it gets the next number and the change's time. */
  append(event: NewEvent): void;
  /** Has an issue brought up to date although no event tells of it: time alone has changed it. */
  touch(issueId: string): void;
}

export interface ChangeHooks {
  /** Runs inside the transaction, after the work, and may append events too: brings work in line with new terms. */
  readonly enforce: (change: Change) => void;
  /** Runs inside the transaction, after that: brings up to date what follows from the events. */
  readonly settle: (change: Change, events: readonly OrganizationEvent[], touchedIds: readonly string[]) => void;
  /** Runs inside the transaction, last, with every event of it; it may store, and append nothing more. */
  readonly follow: (events: readonly OrganizationEvent[]) => void;
  /** Runs after the commit, with every event of it. */
  readonly publish: (events: readonly OrganizationEvent[]) => void;
}

export class Changes {
  readonly #transactions: Transactions;
  readonly #log: EventLog;
  readonly #hooks: ChangeHooks;

  constructor(transactions: Transactions, log: EventLog, hooks: ChangeHooks) {
    this.#transactions = transactions;
    this.#log = log;
    this.#hooks = hooks;
  }

  /** Runs `work` as one transaction with the events that it appends; nothing remains of it when it throws. */
  run<Result>(work: (change: Change) => Result): Result {
    const events: OrganizationEvent[] = [];
    const touchedIds: string[] = [];
    const result = this.#transactions.run((transaction) => {
      const change: Change = {
        ...transaction,
        append: (event) => events.push(this.#log.append(event, transaction.nowMs)),
        touch: (issueId) => touchedIds.push(issueId),
      };
      const answer = work(change);
      this.#hooks.enforce(change);
      this.#hooks.settle(change, [...events], touchedIds);
      this.#hooks.follow(events);
      return answer;
    });
    this.#hooks.publish(events);
    return result;
  }
}
