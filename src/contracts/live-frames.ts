/** What goes over an organization's live socket: the frames that it sends, and the one message that it takes. */
import { z } from "zod";
import { organizationEventSchema } from "./events.ts";
import { issueRecordSchema, jobRecordSchema } from "./records.ts";

/** Why a socket does not go on from the number that it was asked to go on from. */
const liveResetReasonSchema = z.enum([
  /** The events after it are kept no longer, or no longer all of them. */
  "not_kept",
  /** It is a number of another incarnation of the organization's storage. */
  "other_incarnation",
  /** No event has that number yet. */
  "beyond_last",
]);
export type LiveResetReason = z.infer<typeof liveResetReasonSchema>;

/** An issue as a snapshot shows it; its long texts are read over HTTP. */
const liveIssueSchema = issueRecordSchema
  .pick({
    id: true,
    externalId: true,
    source: true,
    type: true,
    priority: true,
    title: true,
    status: true,
    createdById: true,
    triage: true,
    costMicroUsd: true,
    createdAtMs: true,
    updatedAtMs: true,
  })
  .extend({
    jobs: z.array(
      jobRecordSchema.pick({
        id: true,
        role: true,
        agentType: true,
        model: true,
        status: true,
        attempts: true,
        costMicroUsd: true,
        startedAtMs: true,
        completedAtMs: true,
      }),
    ),
  });
export type LiveIssue = z.infer<typeof liveIssueSchema>;

export const liveFrameSchema = z.discriminatedUnion("kind", [
  /** The first frame. Events `firstSeq` to `lastSeq` are kept; none when `firstSeq` is the greater. */
  z.object({ kind: z.literal("hello"), incarnation: z.string(), firstSeq: z.int(), lastSeq: z.int() }),
  /**
   * Events in order. `prevSeq` is the number of the last event of the frame before (at first: the number that the stream
   * goes on from), so that a filtered stream shows no false gap.
   */
  z.object({ kind: z.literal("events"), prevSeq: z.int(), events: z.array(organizationEventSchema) }),
  /** Words of a running model, in order, kept nowhere. */
  z.object({ kind: z.literal("text"), issueId: z.string(), jobId: z.string(), text: z.string() }),
  /** What the client knows cannot be continued: a snapshot follows. */
  z.object({ kind: z.literal("reset"), reason: liveResetReasonSchema }),
  /**
   * A page of the open issues as they were at event `seq`; with an issue filter, that issue, open or not. The events after
   * the first page's `seq` follow the last page: of an issue, those up to its own page's `seq` are known already.
   */
  z.object({ kind: z.literal("snapshot"), seq: z.int(), issues: z.array(liveIssueSchema), isLast: z.boolean() }),
]);
export type LiveFrame = z.infer<typeof liveFrameSchema>;

/** All that a client may send: the number of the last event that it has read. Clients that only read send nothing. */
export const liveAckSchema = z.strictObject({ ack: z.int().min(0) });

/** Why the server closes a socket; the reason says it in words. */
export const liveCloseCodes = {
  /** The client sent something other than an acknowledgement. */
  unexpectedMessage: 1003,
  /** The same person has opened more sockets than allowed; this was the oldest. */
  tooManySockets: 4001,
  /** The credential that it was opened with has ended, or must be shown again: connect with the last number read. */
  credentialEnded: 4003,
  /** Too much was sent without an acknowledgement: connect again with the last number read. */
  slowReader: 4008,
} as const;
