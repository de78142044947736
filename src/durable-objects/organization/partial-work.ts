/** What a job leaves behind that could not go on: kept as a result that nothing follows from by itself. */
import type { ArtifactDraft } from "../../contracts/organization-rpc.ts";
import type { FileDifference } from "../../contracts/records.ts";

export interface ChangedFile {
  readonly path: string;
  /** Null for a file that was saved before differences were kept. */
  readonly difference: FileDifference | null;
}

export interface UnfinishedWork {
  /** Why the job ended: the reason that stands on it. */
  readonly reason: string;
  /** What the agent said last. */
  readonly words: string;
  /** Files that differ from the base commit, by path. */
  readonly files: readonly ChangedFile[];
}

const maxWordsCharacters = 20_000;
/** Half of what a stored text may have. */
const maxPatchBytes = 1_000_000;

/** The patches, in the order of their files, as far as there is room. */
function patchOf(files: readonly ChangedFile[]): string | null {
  const kept: string[] = [];
  let sizeBytes = 0;
  for (const { difference } of files) {
    const patch = difference?.patch ?? "";
    const more = new TextEncoder().encode(patch).length;
    if (sizeBytes + more > maxPatchBytes) continue;
    sizeBytes += more;
    kept.push(patch);
  }
  return sizeBytes === 0 ? null : kept.join("");
}

/**
 * The unfinished work as an artifact; null when there is nothing to keep. It is an analysis, whatever files it names: only
 * what an agent proposes as a change is reviewed and applied.
 */
export function partialArtifact({ reason, words, files }: UnfinishedWork): ArtifactDraft | null {
  if (words === "" && files.length === 0) return null;
  const changed = files.map(({ path, difference }) => ({
    path,
    change: difference?.change ?? "changed",
    additions: difference?.additions ?? null,
    deletions: difference?.deletions ?? null,
  }));
  const sections = [
    `The job ended before it was done (${reason}). Nothing of this was proposed or applied.`,
    ...(words === "" ? [] : [`## What the agent said last\n${words.slice(0, maxWordsCharacters).toWellFormed()}`]),
    ...(changed.length === 0
      ? []
      : [`## Files that it had changed\n${changed.map(({ path, change }) => `- ${change} ${path}`).join("\n")}`]),
  ];
  return {
    type: "ANALYSIS",
    name: "Partial work",
    content: sections.join("\n\n"),
    filePath: null,
    diffPatch: patchOf(files),
    metadata: { partial: true, reason, files: changed },
    files: [],
  };
}
