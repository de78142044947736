/** What a live stream shows: a numbered log, and a snapshot for those who cannot go on from the number that they know. */
import type { FrameText } from "./frame-text.ts";

/** A frame stays far below what a socket takes in one message; a larger event goes alone. */
const batchMaxCharacters = 256 * 1024;
const batchMaxEvents = 500;

export interface LogRange {
  /** Number of the last event that was pruned; 0 while all are kept. */
  readonly prunedSeq: number;
  readonly lastSeq: number;
}

export interface LiveBatch {
  /** The events as stored: JSON text, joined as in an array. */
  readonly json: string;
  /** Number of the last of them; null when there is none. */
  readonly lastSeq: number | null;
  /** Everything up to this number is in the batch or not for this viewer. */
  readonly throughSeq: number;
}

export interface SnapshotPage {
  readonly frame: FrameText;
  /** Where the next page begins; null on the last. */
  readonly nextAfterId: string | null;
}

export interface LiveSource<Filter> {
  readonly incarnation: () => string;
  readonly range: () => LogRange;
  /** The same text for the same filter: frames are shared by it. */
  readonly filterKeyOf: (filter: Filter) => string;
  /** The next events after `seq` that are for the filter. */
  readonly batch: (filter: Filter, seq: number) => LiveBatch;
  /** A page of what stands now, after the event `seq`; `afterId` is empty for the first. */
  readonly snapshotPage: (filter: Filter, afterId: string, seq: number) => SnapshotPage;
  /** Whether a snapshot comes first for who names no number, too. */
  readonly beginsWithSnapshot: boolean;
  /** Frames that are kept nowhere, of the last round on: takes them, and answers which of them are for a filter. */
  readonly takePassing?: () => (filter: Filter) => readonly FrameText[];
}

interface EventText {
  readonly seq: number;
  readonly event: string;
}

/** As many of the stored events as a frame takes; `throughSeq` is how far the rows have been looked for. */
export function batchOf(rows: Iterable<EventText>, afterSeq: number, throughSeq: number): LiveBatch {
  const texts: string[] = [];
  let characters = 0;
  let lastSeq: number | null = null;
  for (const row of rows) {
    characters += row.event.length;
    const isFull = texts.length > 0 && (characters > batchMaxCharacters || texts.length >= batchMaxEvents);
    if (isFull) return { json: texts.join(","), lastSeq, throughSeq: lastSeq ?? afterSeq };
    texts.push(row.event);
    lastSeq = row.seq;
  }
  return { json: texts.join(","), lastSeq, throughSeq };
}
