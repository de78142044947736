/** Carries approved changes to the outside world: leased and tried again like jobs, once per idempotency key. */
import type { EffectClaim, EffectOutcome, EffectRef } from "../../contracts/organization-rpc.ts";
import type { ArtifactRecord, EffectRecord, JobError, PullRequestResult } from "../../contracts/records.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { Change } from "./change.ts";
import type { EffectSender } from "./effect-sender.ts";
import type { EffectPlan, EffectState, EffectTable } from "./effect-table.ts";
import { decideEffectRetry } from "./retry.ts";
import { createArtifact } from "./slices.ts";

export interface EffectDeskParts {
  readonly artifacts: ArtifactTable;
  readonly effects: EffectTable;
  readonly sender: EffectSender;
  readonly timings: Timings;
  /** Whether the job whose change it is is debugged: then nothing leaves. */
  readonly isDebugged: (effect: Pick<EffectRecord, "artifactId">, nowMs: number) => boolean;
  readonly random: () => number;
}

export class EffectDesk {
  readonly #parts: EffectDeskParts;

  constructor(parts: EffectDeskParts) {
    this.#parts = parts;
  }

  /** Begins the pull request of an approved artifact; a second call for the same artifact changes nothing. */
  create(change: Change, artifact: ArtifactRecord, plan: EffectPlan): void {
    this.#begin(change, artifact, plan, { idempotencyKey: `pull_request:${artifact.id}`, redriveOf: null });
  }

  /** Changes of the issue that were approved so far; doing one again is no other change. */
  countChanges(issueId: string): number {
    return this.#parts.effects.ofIssue(issueId).filter(({ record }) => record.redriveOf === null).length;
  }

  /** Does an ended effect again, once: the target adopts whatever of it already exists. */
  redrive(change: Change, effect: EffectState): void {
    const { record } = effect;
    const origin = { idempotencyKey: `${record.idempotencyKey}:again:${record.id}`, redriveOf: record.id };
    this.#begin(change, { id: record.artifactId, issueId: record.issueId }, planOf(effect), origin);
  }

  /** Ends an effect that nobody has claimed yet. */
  cancel(change: Change, effect: EffectState): void {
    change.deadlines.clear(`effect-send:${effect.record.id}`);
    this.#save(change, effect, { status: "CANCELLED" });
  }

  #begin(
    change: Change,
    artifact: Pick<ArtifactRecord, "id" | "issueId">,
    plan: EffectPlan,
    { idempotencyKey, redriveOf }: Pick<EffectRecord, "idempotencyKey" | "redriveOf">,
  ): void {
    if (this.#parts.effects.findByKey(idempotencyKey) !== null) return;
    const record: EffectRecord = {
      id: change.newId("effect"),
      issueId: artifact.issueId,
      artifactId: artifact.id,
      kind: "pull_request",
      idempotencyKey,
      redriveOf,
      status: "PENDING",
      attempts: 0,
      result: null,
      dryRun: null,
      error: null,
      createdAtMs: change.nowMs,
      updatedAtMs: change.nowMs,
    };
    this.#parts.effects.save({ record, plan, epoch: 0, leaseUntilMs: null, readyAtMs: change.nowMs });
    change.append({ type: "effect.created", issueId: record.issueId, jobId: null, data: { effect: record } });
    this.#parts.sender.send(change, record, 0);
  }

  /** Begins a try of an effect that is due and that nobody carries out now. */
  claim(change: Change, { effectId }: EffectRef): EffectClaim {
    const { effects, artifacts, sender, timings } = this.#parts;
    const effect = effects.find(effectId);
    if (
      effect === null ||
      effect.record.status !== "PENDING" ||
      effect.readyAtMs > change.nowMs ||
      sender.isHeld(change.nowMs)
    ) {
      return { kind: "stale" };
    }
    const plan = planOf(effect);
    // One whose first try may have reached the outside is finished as it was begun.
    if (effect.record.attempts === 0 && this.#parts.isDebugged(effect.record, change.nowMs)) {
      this.#completeDry(change, effect, plan);
      return { kind: "stale" };
    }
    const claimed: EffectState = {
      ...effect,
      epoch: effect.epoch + 1,
      leaseUntilMs: change.nowMs + timings.leaseMs,
    };
    change.deadlines.clear(`effect-send:${effectId}`);
    change.deadlines.set(`effect-lease:${effectId}`, change.nowMs + timings.leaseMs);
    this.#save(change, claimed, { status: "RUNNING", attempts: effect.record.attempts + 1 });
    return {
      kind: "claimed",
      epoch: claimed.epoch,
      plan: { ...plan, files: [...artifacts.files(effect.record.artifactId)] },
      issueId: effect.record.issueId,
    };
  }

  /** Ends a debugged effect with what it would have done. */
  #completeDry(change: Change, effect: EffectState, plan: EffectPlan): void {
    const { repository, baseBranch, baseCommit, branch, title } = plan;
    const paths = this.#parts.artifacts.files(effect.record.artifactId).map(({ path }) => path);
    const dryRun = { repository, baseBranch, baseCommit, branch, title, paths };
    change.deadlines.clear(`effect-send:${effect.record.id}`);
    this.#save(change, effect, { status: "COMPLETED", dryRun });
  }

  renew(change: Change, ref: EffectRef & { readonly epoch: number }): boolean {
    const effect = this.#held(ref);
    if (effect === null) return false;
    const leaseUntilMs = change.nowMs + this.#parts.timings.leaseMs;
    this.#parts.effects.save({ ...effect, leaseUntilMs });
    change.deadlines.set(`effect-lease:${ref.effectId}`, leaseUntilMs);
    return true;
  }

  /** Takes what became of a try; false when its epoch no longer holds the effect. */
  finish(change: Change, { outcome, ...ref }: EffectOutcome): boolean {
    const effect = this.#held(ref);
    if (effect === null) return false;
    change.deadlines.clear(`effect-lease:${ref.effectId}`);
    const idle: EffectState = { ...effect, leaseUntilMs: null };
    switch (outcome.kind) {
      case "completed":
        this.#save(change, idle, { status: "COMPLETED", result: outcome.result, error: null });
        this.#createPullRequestArtifact(change, idle, outcome.result);
        break;
      case "transient":
        this.#tryAgain(change, idle, outcome.error, outcome.retryAfterMs);
        break;
      case "permanent":
        this.#save(change, idle, { status: "FAILED", error: outcome.error });
    }
    return true;
  }

  /** Takes an effect back from a delivery that fell silent. */
  expireLease(change: Change, effectId: string): void {
    const effect = this.#parts.effects.find(effectId);
    if (effect === null || effect.leaseUntilMs === null) return;
    if (effect.leaseUntilMs > change.nowMs) {
      change.deadlines.set(`effect-lease:${effectId}`, effect.leaseUntilMs);
      return;
    }
    const error = { reason: "lease_expired", message: "The delivery that carried it out fell silent." };
    this.#tryAgain(change, { ...effect, leaseUntilMs: null }, error, null);
  }

  #held({ effectId, epoch }: { readonly effectId: string; readonly epoch: number }): EffectState | null {
    const effect = this.#parts.effects.find(effectId);
    return effect !== null && effect.epoch === epoch && effect.leaseUntilMs !== null ? effect : null;
  }

  #tryAgain(change: Change, effect: EffectState, error: JobError, retryAfterMs: number | null): void {
    const decision = decideEffectRetry(effect.record.attempts, retryAfterMs, this.#parts.random());
    if (decision.kind === "give_up") {
      this.#save(change, effect, { status: "FAILED", error });
      return;
    }
    const readyAtMs = change.nowMs + decision.delayMs;
    this.#save(change, { ...effect, readyAtMs }, { status: "PENDING", error });
    // The deadline counts from -1, so that the first sending after the wait is try 0 again.
    change.deadlines.set(`effect-send:${effect.record.id}`, readyAtMs, -1);
  }

  #createPullRequestArtifact(change: Change, effect: EffectState, result: PullRequestResult): void {
    const { artifacts } = this.#parts;
    const { record } = effect;
    const plan = planOf(effect);
    const { jobId } = artifacts.view(record.artifactId).artifact;
    createArtifact(
      change,
      artifacts,
      { id: jobId, issueId: record.issueId },
      {
        type: "PULL_REQUEST",
        name: plan.title,
        content: result.url,
        filePath: null,
        diffPatch: null,
        metadata: { ...result, repository: plan.repository },
        files: [],
      },
    );
  }

  #save(change: Change, effect: EffectState, patch: Partial<EffectRecord>): void {
    const record: EffectRecord = { ...effect.record, ...patch, updatedAtMs: change.nowMs };
    this.#parts.effects.save({ ...effect, record });
    change.append({ type: "effect.changed", issueId: record.issueId, jobId: null, data: { effect: record } });
  }
}

/** Throws when the plan is gone, which no sequence of calls can bring about: what came back without it is finished. */
function planOf({ record, plan }: EffectState): EffectPlan {
  if (plan === null) throw new Error(`effect ${record.id} has no plan any more`);
  return plan;
}
