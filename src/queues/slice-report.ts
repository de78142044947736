/** Tells a slice's object how the slice ended. */
import { partialArtifacts } from "../agents/partial-work.ts";
import type { ArtifactDraft, EpochRef, FailCommand } from "../contracts/organization-rpc.ts";
import { describeError } from "../core/errors.ts";
import { repeatCall } from "./repeat-call.ts";
import type { SliceEnding } from "./slice-ending.ts";
import type { Slice, SliceOrganization } from "./slice.ts";

/** What the job leaves behind if this failure ends it; nothing when even that cannot be read. */
export async function leftBehind(
  { assignment, progress, logger }: Slice,
  reason: string,
): Promise<readonly ArtifactDraft[]> {
  if (assignment.job.role !== "work") return [];
  const { workspace, messages } = progress;
  try {
    const diffs = workspace === null ? [] : (await workspace.diff()).diffs;
    return partialArtifacts({ reason, messages, diffs });
  } catch (error) {
    logger.warn("partial work not kept", { error: describeError(error) });
    return [];
  }
}

function tellObject(
  ending: SliceEnding,
  rest: Pick<FailCommand, "artifacts" | "fallbackModel">,
  ref: EpochRef,
  organization: SliceOrganization,
): Promise<{ readonly accepted: boolean }> {
  if (ending.kind === "finish") return organization.finish({ ...ref, ...ending.command });
  if (ending.kind === "fail") return organization.fail({ ...ref, ...ending.command, ...rest });
  if (ending.kind === "ask") return organization.askPerson({ ...ref, ...ending.command });
  if (ending.kind === "yield") return organization.yieldSlice(ref);
  return Promise.resolve({ accepted: false });
}

/** Reports the ending. Throws only when the object cannot be reached. */
export async function report(
  ending: SliceEnding,
  rest: Pick<FailCommand, "artifacts" | "fallbackModel">,
  { ref, organization, logger }: Pick<Slice, "ref" | "organization" | "logger">,
): Promise<void> {
  const { accepted } = await repeatCall(() => tellObject(ending, rest, ref, organization()), logger);
  if (ending.kind === "fail") {
    const { failureClass, error } = ending.command;
    logger.warn("attempt failed", { failureClass, reason: error.reason, problem: error.message, accepted });
  }
  logger.info("slice ended", { how: ending.kind, accepted });
}
