/** Sets and removes switches, ends those whose time is over, and has every change audited, told and pushed. */
import type { Outcome } from "../../contracts/organization-rpc.ts";
import type { AuditEntry } from "../../contracts/audit.ts";
import type { AdminCommand, RemoveSwitch, SetSwitch, SwitchReceipt } from "../../contracts/platform-rpc.ts";
import { isInForce } from "../../contracts/switch-evaluation.ts";
import { isModeOfScope, isSameScope, type Switch } from "../../contracts/switches.ts";
import type { Failure } from "../../core/errors.ts";
import type { RememberedAnswers } from "../remembered-answers.ts";
import type { Transaction } from "../transactions.ts";
import type { AuditLog } from "./audit-log.ts";
import type { PlatformLog } from "./platform-log.ts";
import { decideAction } from "./switch-actions.ts";
import type { Switchboard } from "./switchboard.ts";
import type { TermsPush } from "./terms-push.ts";

/** Every organization's terms hold those that concern it, so there is an end to them. */
const maxSwitches = 500;

export interface SwitchDeskParts {
  readonly switchboard: Switchboard;
  readonly audit: AuditLog;
  readonly log: PlatformLog;
  readonly termsPush: TermsPush;
  readonly answers: RememberedAnswers<Switch>;
}

export class SwitchDesk {
  readonly #parts: SwitchDeskParts;

  constructor(parts: SwitchDeskParts) {
    this.#parts = parts;
  }

  /** Sets a switch; a request that was carried out under its key before gets the answer that it got first. */
  setOnce(transaction: Transaction, command: SetSwitch): Outcome<SwitchReceipt> {
    const { answers } = this.#parts;
    const { idempotency } = command;
    const recall = idempotency === undefined ? null : answers.recall(idempotency, transaction.nowMs);
    if (recall?.kind === "replay") return { ok: true, value: { ...recall.answer, replayed: true } };
    if (recall?.kind === "other_request") {
      const detail = "This idempotency key was used with another request in the last 24 hours.";
      return { ok: false, failure: { code: "idempotency_key_reused", detail } };
    }
    const added = this.set(transaction, command);
    if (!added.ok) return added;
    if (idempotency !== undefined) answers.remember(transaction, idempotency, added.value);
    return { ok: true, value: { ...added.value, replayed: false } };
  }

  set(transaction: Transaction, command: SetSwitch): Outcome<Switch> {
    const failure = this.#refusalOf(command, transaction.nowMs);
    if (failure !== null) return { ok: false, failure };
    const { switchboard, log } = this.#parts;
    const { scope, mode, actor, reason, expiresAtMs } = command;
    const createdAtMs = transaction.nowMs;
    const added: Switch = {
      id: transaction.newId("switch"),
      scope,
      mode,
      actor,
      reason,
      createdAtMs,
      expiresAtMs,
    };
    switchboard.add(added);
    if (expiresAtMs !== null) transaction.deadlines.set(`switch:${added.id}`, expiresAtMs);
    log.append(transaction, { type: "switch.set", data: { switch: added } });
    this.#audit(transaction, { action: "switch.set", scope, actor, reason, subject: added });
    this.#parts.termsPush.pushChange(transaction, scope, { tightens: mode !== "refuse" && mode !== "off" });
    return { ok: true, value: added };
  }

  remove(transaction: Transaction, { switchId, actor, reason }: RemoveSwitch): Outcome<Switch> {
    const removed = this.#parts.switchboard.find(switchId);
    if (removed === null) return { ok: false, failure: { code: "not_found", detail: "There is no such switch." } };
    this.#end(transaction, removed, { action: "switch.removed", actor, reason });
    return { ok: true, value: removed };
  }

  /** Ends a switch whose time is over. */
  expire(transaction: Transaction, switchId: string): void {
    const expired = this.#parts.switchboard.find(switchId);
    if (expired === null) return;
    if (isInForce(expired, transaction.nowMs)) {
      transaction.deadlines.set(`switch:${switchId}`, expired.expiresAtMs ?? transaction.nowMs);
      return;
    }
    this.#end(transaction, expired, { action: "switch.expired", actor: null, reason: "Its time was over." });
  }

  /** Carries an administrator's action out; the switches that then stand for exactly its scope. */
  administer(transaction: Transaction, command: AdminCommand): Outcome<readonly Switch[]> {
    const { scope, actor, reason } = command;
    const { switchboard } = this.#parts;
    const decision = decideAction(command, switchboard.list(), transaction.nowMs);
    switch (decision.kind) {
      case "set": {
        const added = this.set(transaction, { scope, mode: decision.mode, actor, reason, expiresAtMs: null });
        if (!added.ok) return added;
        break;
      }
      case "remove":
        for (const removed of decision.switches) {
          this.#end(transaction, removed, { action: "switch.removed", actor, reason });
        }
        break;
      case "clear":
        this.#clear(transaction, command);
        break;
      case "nothing":
    }
    return { ok: true, value: switchboard.list().filter((candidate) => isSameScope(candidate.scope, scope)) };
  }

  #clear(transaction: Transaction, { scope, actor, reason }: AdminCommand): void {
    const { switchboard, log, termsPush } = this.#parts;
    switchboard.orderClear(scope, { atMs: transaction.nowMs, actor, reason });
    log.append(transaction, { type: "work.cleared", data: { scope, actor, reason } });
    this.#audit(transaction, { action: "work.cleared", scope, actor, reason, subject: null });
    termsPush.pushChange(transaction, scope, { tightens: true });
  }

  #end(
    transaction: Transaction,
    ended: Switch,
    why: Pick<AuditEntry, "actor"> & {
      readonly action: "switch.removed" | "switch.expired";
      readonly reason: string;
    },
  ): void {
    const { switchboard, log, termsPush } = this.#parts;
    const { scope } = ended;
    switchboard.remove(ended);
    transaction.deadlines.clear(`switch:${ended.id}`);
    log.append(transaction, { type: why.action, data: { switch: ended, actor: why.actor, reason: why.reason } });
    this.#audit(transaction, { ...why, scope, subject: ended });
    termsPush.pushChange(transaction, scope, { tightens: false });
  }

  #audit(transaction: Transaction, entry: Pick<AuditEntry, "action" | "scope" | "actor" | "reason" | "subject">): void {
    this.#parts.audit.record({ ...entry, atMs: transaction.nowMs });
  }

  #refusalOf({ scope, mode, expiresAtMs }: SetSwitch, nowMs: number): Failure | null {
    if (!isModeOfScope(scope.kind, mode)) {
      return { code: "invalid_request", detail: `A switch of scope ${scope.kind} has no mode ${mode}.`, field: "mode" };
    }
    if (expiresAtMs !== null && expiresAtMs <= nowMs) {
      return { code: "invalid_request", detail: "A switch ends in the future.", field: "expiresAt" };
    }
    if (this.#parts.switchboard.count() < maxSwitches) return null;
    return { code: "conflict", detail: `There are ${maxSwitches} switches; remove some first.` };
  }
}
