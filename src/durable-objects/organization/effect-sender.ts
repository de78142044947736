/** Tells the queue of effects that wait to be carried out, until somebody claims them. */
import type { EffectMessage } from "../../contracts/queue-messages.ts";
import type { EffectRecord } from "../../contracts/records.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { resendDelayMs } from "../resend-delay.ts";
import type { Change } from "./change.ts";
import type { EffectTable } from "./effect-table.ts";
import type { IssueTable } from "./issue-table.ts";

export interface EffectSenderParts {
  readonly issues: IssueTable;
  readonly effects: EffectTable;
  readonly timings: Timings;
  /** Whether a switch keeps pull requests from being opened. */
  readonly isHeld: (nowMs: number) => boolean;
  readonly send: (message: EffectMessage) => Promise<unknown>;
}

export class EffectSender {
  readonly #parts: EffectSenderParts;

  constructor(parts: EffectSenderParts) {
    this.#parts = parts;
  }

  isHeld(nowMs: number): boolean {
    return this.#parts.isHeld(nowMs);
  }

  /** Sends an effect, and again as often as nobody claims it; one that a switch holds is sent when that ends. */
  send(change: Change, record: EffectRecord, tries: number): void {
    const { issues, timings, send } = this.#parts;
    // Whatever ends the hold sends it then.
    if (this.#parts.isHeld(change.nowMs)) {
      change.deadlines.clear(`effect-send:${record.id}`);
      return;
    }
    const issue = issues.get(record.issueId);
    const message: EffectMessage = {
      v: 1,
      organizationId: issue.organizationId,
      effectId: record.id,
      correlationId: issue.correlationId,
    };
    const delayMs = resendDelayMs(tries, { firstMs: timings.resendAfterMs, maxMs: timings.resendMaxMs });
    change.deadlines.set(`effect-send:${record.id}`, change.nowMs + delayMs, tries);
    change.afterCommit("send effect", () => send(message));
  }

  /** Sends an effect that nobody has claimed again. */
  resend(change: Change, effectId: string, deadline: Deadline): void {
    const effect = this.#parts.effects.find(effectId);
    if (effect?.record.status === "PENDING") this.send(change, effect.record, deadline.tries + 1);
  }

  /** Sends what a switch kept back, once none does any more. */
  sendWaiting(change: Change): void {
    if (this.#parts.isHeld(change.nowMs)) return;
    for (const { record, readyAtMs } of this.#parts.effects.pending()) {
      const isSent = change.deadlines.get(`effect-send:${record.id}`) !== null;
      if (!isSent && readyAtMs <= change.nowMs) this.send(change, record, 0);
    }
  }
}
