/** Typed RPC of the organization object. Every method carries the organization's id, which the object checks against its name. */
import type { CommandCalls } from "./organization-rpc/commands.ts";
import type { EdgeAccessCalls } from "./organization-rpc/edge-access.ts";
import type { EffectCalls } from "./organization-rpc/effects.ts";
import type { IssueReadCalls } from "./organization-rpc/issue-reads.ts";
import type { MoneyCalls } from "./organization-rpc/money.ts";
import type { PeopleCalls } from "./organization-rpc/people.ts";
import type { PlatformCalls } from "./organization-rpc/platform.ts";
import type { ProjectionCalls } from "./organization-rpc/projection.ts";
import type { ReviewCalls } from "./organization-rpc/reviews.ts";
import type { SliceCalls } from "./organization-rpc/slices.ts";
import type { SubmissionCalls } from "./organization-rpc/submission.ts";
import type { TranscriptCalls } from "./organization-rpc/transcripts.ts";

export type * from "./organization-rpc/commands.ts";
export type * from "./organization-rpc/edge-access.ts";
export type * from "./organization-rpc/effects.ts";
export type * from "./organization-rpc/issue-reads.ts";
export type * from "./organization-rpc/money.ts";
export type * from "./organization-rpc/outcome.ts";
export type * from "./organization-rpc/people.ts";
export type * from "./organization-rpc/platform.ts";
export type * from "./organization-rpc/projection.ts";
export type * from "./organization-rpc/reviews.ts";
export type * from "./organization-rpc/slices.ts";
export type * from "./organization-rpc/submission.ts";
export type * from "./organization-rpc/transcripts.ts";

/** All that may be asked of the object, by who asks: the edge, the consumers of the queues, the platform object. */
export interface OrganizationRpc
  extends
    EdgeAccessCalls,
    SubmissionCalls,
    IssueReadCalls,
    TranscriptCalls,
    ReviewCalls,
    CommandCalls,
    SliceCalls,
    MoneyCalls,
    PeopleCalls,
    EffectCalls,
    ProjectionCalls,
    PlatformCalls {}
