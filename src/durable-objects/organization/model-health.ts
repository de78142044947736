/** Tells the platform when a model stays out of reach, and when it answers again. A lost word is no loss: another follows. */
import type { PlatformRpc } from "../../contracts/platform-rpc.ts";
import type { ModelName } from "../../contracts/models.ts";
import type { Change } from "./change.ts";
import type { TermsKeeper } from "./terms-keeper.ts";

export interface ModelHealthParts {
  readonly organizationId: string;
  readonly terms: TermsKeeper;
  readonly platform: () => Pick<PlatformRpc, "reportModel">;
}

export class ModelHealth {
  readonly #parts: ModelHealthParts;
  /** Answers since the last report; those of an object that was away are not counted. */
  readonly #answers = new Map<ModelName, number>();

  constructor(parts: ModelHealthParts) {
    this.#parts = parts;
  }

  /** Takes note of an answer; the platform hears of it only while it waits for one. */
  noteAnswer(change: Change, model: ModelName): void {
    this.#answers.set(model, (this.#answers.get(model) ?? 0) + 1);
    const isAwaited = this.#parts.terms.current().breakers.some((breaker) => breaker.model === model);
    if (isAwaited) this.#report(change, model, { faults: 0, retryAfterMs: null });
  }

  noteFault(change: Change, model: ModelName, retryAfterMs: number | null): void {
    this.#report(change, model, { faults: 1, retryAfterMs });
  }

  #report(
    change: Change,
    model: ModelName,
    seen: { readonly faults: number; readonly retryAfterMs: number | null },
  ): void {
    const { organizationId, platform } = this.#parts;
    const report = { organizationId, model, ...seen, answers: this.#answers.get(model) ?? 0 };
    this.#answers.delete(model);
    change.afterCommit("report model", () => platform().reportModel(report));
  }
}
