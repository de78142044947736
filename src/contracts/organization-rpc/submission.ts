/** Submitting an issue. */
import type { ModelName } from "../models.ts";
import type { JsonValue, PermissionLevel } from "../records.ts";
import type { IssuePriority, IssueSource, IssueStatus, IssueType } from "../status.ts";
import type { SealedTerms } from "../terms.ts";
import type { Addressed, Outcome } from "./outcome.ts";

export interface SubmitCommand extends Addressed {
  /** The edge's copy of the platform's terms, at most ten seconds old; kept when newer than the object's. */
  readonly terms: SealedTerms;
  readonly source: IssueSource;
  readonly type: IssueType;
  readonly priority: IssuePriority;
  readonly title: string;
  readonly description: string;
  readonly context: Readonly<Record<string, JsonValue>>;
  readonly externalId: string | null;
  readonly requestedAgentType: string | null;
  readonly requestedModel: ModelName | null;
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly concurrencyKey: string | null;
  /** What one job of the issue may cost; null leaves it to the agent. */
  readonly maxCostMicroUsd: number | null;
  readonly createdById: string | null;
  readonly submitterLevel: PermissionLevel;
  readonly correlationId: string;
  /** Null when the caller did not ask that the same request counts once. */
  readonly idempotency: IdempotentRequest | null;
}

/** A request that, repeated within 24 hours, gets the answer that it got first. */
export interface IdempotentRequest {
  readonly key: string;
  /** SHA-256 (hex) of the request in canonical form: the same key with another hash is refused. */
  readonly requestHash: string;
}

/** What is left of a limit after a submission. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** When more is left again. */
  readonly resetAtMs: number;
}

export interface SubmitReceipt {
  readonly issueId: string;
  readonly jobId: string;
  readonly status: IssueStatus;
  /** Jobs of this organization that would start before this one, counted up to 1,000. */
  readonly position: number;
  /** Issues within the sliding hour. */
  readonly rate: Allowance;
  /** Issues of the UTC day. */
  readonly quota: Allowance;
  /** Whether this is the remembered answer to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface BatchCommand extends Addressed {
  readonly commands: readonly SubmitCommand[];
}

export interface UsageQuery extends Addressed {
  /** As for a submission. */
  readonly terms: SealedTerms;
}

/** The limits on submissions and on running jobs, with their use now. */
export interface UsageReport {
  readonly rate: Allowance;
  readonly quota: Allowance;
  readonly concurrency: {
    /** The smaller of the organization's limit and the platform's. */
    readonly limit: number;
    readonly running: number;
    readonly waiting: number;
  };
}

export interface SubmissionCalls {
  readUsage(query: UsageQuery): Promise<UsageReport>;
  submit(command: SubmitCommand): Promise<Outcome<SubmitReceipt>>;
  /** Submits one after the other, in one transaction; what is refused does not hinder the rest. */
  submitBatch(batch: BatchCommand): Promise<readonly Outcome<SubmitReceipt>[]>;
}
