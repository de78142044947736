/** What attempts sent to their models and got back. */
import type { IssueRef } from "./issue-reads.ts";
import type { AttemptPrompt } from "./slices.ts";

export interface TranscriptQuery extends IssueRef {
  /** Null for the last work of the issue. */
  readonly jobId: string | null;
  /** Null for the last attempt of the job. */
  readonly attempt: number | null;
  readonly afterPosition: number;
  readonly limit: number;
}

/** Part of what an attempt sent to its model and got back, in order. */
export interface TranscriptPage {
  readonly jobId: string;
  readonly attempt: number;
  readonly prompt: AttemptPrompt;
  readonly messages: readonly {
    readonly position: number;
    /** Steps that were recorded when it was appended; null for one from before this was kept. */
    readonly afterStep: number | null;
    /** JSON text, as it is sent. */
    readonly message: string;
  }[];
  readonly isLast: boolean;
}

export interface TranscriptCalls {
  /** Null when there is no such attempt (or none to be seen), and when it is kept no longer. */
  readTranscript(query: TranscriptQuery): Promise<TranscriptPage | null>;
}
