/** The difference between two versions of one file, as Git would print it. */
import { formatPatch, structuredPatch, type StructuredPatch } from "diff";
import type { FileDifference } from "../contracts/records.ts";
import { findSecrets } from "../core/redaction/find-secrets.ts";
import { secretShown, type SecretLine, type ShownLines } from "./secret-policy.ts";

export interface FileDiff {
  readonly path: string;
  readonly change: "added" | "modified" | "deleted";
  readonly additions: number;
  readonly deletions: number;
  readonly patch: string;
  /** The first secret in the patch's lines, those around the change included. */
  readonly secret: SecretLine | null;
}

/** Above this many changed lines the shortest difference is not worth its time: the whole file is shown as replaced. */
const maxEditLength = 2_000;
const contextLines = 3;
/** A larger patch is not kept beside its file: both are stored in one row, of at most 2 MB. */
const maxKeptPatchBytes = 500_000;

function hunksOf(before: string, after: string, context: number): StructuredPatch["hunks"] {
  const shortest = structuredPatch("", "", before, after, "", "", { context, maxEditLength });
  if (shortest !== undefined) return shortest.hunks;
  const [removed] = structuredPatch("", "", before, "", "", "", { context: 0 }).hunks;
  const [added] = structuredPatch("", "", "", after, "", "", { context: 0 }).hunks;
  return [
    {
      oldStart: 1,
      oldLines: removed?.oldLines ?? 0,
      newStart: 1,
      newLines: added?.newLines ?? 0,
      lines: [...(removed?.lines ?? []), ...(added?.lines ?? [])],
    },
  ];
}

function shownLines(hunks: StructuredPatch["hunks"]): ShownLines {
  return {
    before: hunks.map(({ oldStart, oldLines }) => ({ first: oldStart, count: oldLines })),
    after: hunks.map(({ newStart, newLines }) => ({ first: newStart, count: newLines })),
  };
}

/** The first secret in the lines that a change of a file takes away or adds; null stands for no file. */
export function secretTouched(before: string | null, after: string | null): SecretLine | null {
  const [old, now] = [before ?? "", after ?? ""];
  // Most texts hold none, and comparing them is what takes time.
  if (findSecrets(old).length === 0 && findSecrets(now).length === 0) return null;
  return secretShown(old, now, shownLines(hunksOf(old, now, 0)));
}

/** The difference between two texts of a file, null standing for no file; null when they are the same. */
export function diffFile(path: string, before: string | null, after: string | null): FileDiff | null {
  if (before === after) return null;
  const hunks = hunksOf(before ?? "", after ?? "", contextLines);
  const count = (sign: string): number =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.startsWith(sign)).length, 0);
  const change = before === null ? "added" : after === null ? "deleted" : "modified";
  const patch = formatPatch({
    oldFileName: before === null ? "/dev/null" : `a/${path}`,
    newFileName: after === null ? "/dev/null" : `b/${path}`,
    oldHeader: undefined,
    newHeader: undefined,
    hunks,
    isGit: true,
    isCreate: before === null,
    isDelete: after === null,
  });
  const secret = secretShown(before ?? "", after ?? "", shownLines(hunks));
  return { path, change, additions: count("+"), deletions: count("-"), patch, secret };
}

/** What is kept of a difference beside the file; a patch that shows a secret is not. */
export function differenceOf(diff: FileDiff | null): FileDifference | null {
  if (diff === null) return null;
  const { change, additions, deletions, patch, secret } = diff;
  const isKept = secret === null && new TextEncoder().encode(patch).length <= maxKeptPatchBytes;
  return { change, additions, deletions, patch: isKept ? patch : null };
}
