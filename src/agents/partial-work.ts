/** What a job leaves behind that could not go on: kept as a result that nothing follows from by itself. */
import type { ArtifactDraft } from "../contracts/organization-rpc.ts";
import type { FileDiff } from "../tools/file-diff.ts";
import { parseMessage, textOf } from "./transcript.ts";

export interface UnfinishedWork {
  /** Why the job stopped: the reason that it fails with. */
  readonly reason: string;
  readonly messages: readonly string[];
  /** Files that differ from the base commit. */
  readonly diffs: readonly FileDiff[];
}

const maxWordsCharacters = 20_000;
const maxPatchCharacters = 800_000;

/** What the agent said last. */
function lastWords(messages: readonly string[]): string {
  for (const text of messages.toReversed()) {
    const message = parseMessage(text);
    const words = message.role === "assistant" ? textOf(message).trim() : "";
    if (words !== "") return words.slice(0, maxWordsCharacters).toWellFormed();
  }
  return "";
}

/**
 * The unfinished work as an artifact; none when there is nothing to keep. It is an analysis, whatever files it names: only
 * what an agent proposes as a change is reviewed and applied.
 */
export function partialArtifacts({ reason, messages, diffs }: UnfinishedWork): readonly ArtifactDraft[] {
  const words = lastWords(messages);
  if (words === "" && diffs.length === 0) return [];
  const patch = diffs.map((diff) => diff.patch).join("");
  const isPatchKept = patch !== "" && patch.length <= maxPatchCharacters;
  const files = diffs.map(({ path, change, additions, deletions }) => ({ path, change, additions, deletions }));
  const sections = [
    `The job stopped before it was done (${reason}). Nothing of this was proposed or applied.`,
    ...(words === "" ? [] : [`## What the agent said last\n${words}`]),
    ...(files.length === 0
      ? []
      : [`## Files that it had changed\n${files.map(({ path, change }) => `- ${change} ${path}`).join("\n")}`]),
  ];
  return [
    {
      type: "ANALYSIS",
      name: "Partial work",
      content: sections.join("\n\n"),
      filePath: null,
      diffPatch: isPatchKept ? patch : null,
      metadata: { partial: true, reason, files },
      files: [],
    },
  ];
}
