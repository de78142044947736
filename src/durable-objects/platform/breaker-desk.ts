/** The models' breakers: opened and closed by what organizations report, and told to all of them. */
import type { ModelReport } from "../../contracts/breakers.ts";
import { type ModelName, modelNameSchema } from "../../contracts/models.ts";
import type { Transaction } from "../transactions.ts";
import { afterReport, afterWait, type BreakerState, type BreakerTimings } from "./breaker-decision.ts";
import type { BreakerTable } from "./breaker-table.ts";
import type { PlatformLog } from "./platform-log.ts";
import type { Switchboard } from "./switchboard.ts";
import type { TermsPush } from "./terms-push.ts";

export interface BreakerDeskParts {
  readonly breakers: BreakerTable;
  readonly switchboard: Pick<Switchboard, "noteChange">;
  readonly log: Pick<PlatformLog, "append">;
  readonly termsPush: Pick<TermsPush, "pushChange">;
  readonly timings: BreakerTimings;
}

export class BreakerDesk {
  readonly #parts: BreakerDeskParts;

  constructor(parts: BreakerDeskParts) {
    this.#parts = parts;
  }

  takeReport(transaction: Transaction, report: ModelReport): void {
    const { model } = report;
    const before = this.#parts.breakers.find(model);
    const { timings } = this.#parts;
    this.#move(transaction, model, before, afterReport(before, report, timings, transaction.nowMs));
  }

  /** Lets a model be tried again whose time is over. */
  probe(transaction: Transaction, subject: string): void {
    const model = modelNameSchema.parse(subject);
    const before = this.#parts.breakers.find(model);
    this.#move(transaction, model, before, afterWait(before, transaction.nowMs));
  }

  #move(transaction: Transaction, model: ModelName, before: BreakerState, after: BreakerState): void {
    const { breakers, switchboard, log, termsPush } = this.#parts;
    if (after === before) return;
    breakers.save(model, after);
    if (after.status === before.status) return;
    if (after.status === "open") transaction.deadlines.set(`breaker:${model}`, after.probeAtMs);
    const probeAtMs = after.status === "closed" ? null : after.probeAtMs;
    log.append(transaction, { type: "breaker.changed", data: { model, status: after.status, probeAtMs } });
    switchboard.noteChange({ kind: "platform" });
    termsPush.pushChange(transaction, { kind: "platform" }, { tightens: after.status === "open" });
  }
}
