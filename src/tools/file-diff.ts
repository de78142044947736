/** The difference between two versions of one file, as Git would print it. */
import { formatPatch, structuredPatch, type StructuredPatch } from "diff";

export interface FileDiff {
  readonly path: string;
  readonly change: "added" | "modified" | "deleted";
  readonly additions: number;
  readonly deletions: number;
  readonly patch: string;
}

/** Above this many changed lines the shortest difference is not worth its time: the whole file is shown as replaced. */
const maxEditLength = 2_000;

function hunksOf(before: string, after: string): StructuredPatch["hunks"] {
  const shortest = structuredPatch("", "", before, after, "", "", { context: 3, maxEditLength });
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

/** The difference between two texts of a file, null standing for no file; null when they are the same. */
export function diffFile(path: string, before: string | null, after: string | null): FileDiff | null {
  if (before === after) return null;
  const hunks = hunksOf(before ?? "", after ?? "");
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
  return { path, change, additions: count("+"), deletions: count("-"), patch };
}
