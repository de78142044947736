/** Tells a slice's object how the slice ended. */
import type { ModelName } from "../contracts/models.ts";
import type { EpochRef } from "../contracts/organization-rpc.ts";
import { repeatCall } from "./repeat-call.ts";
import type { SliceEnding } from "./slice-ending.ts";
import type { Slice, SliceOrganization } from "./slice.ts";

function tellObject(
  ending: SliceEnding,
  fallbackModel: ModelName | null,
  ref: EpochRef,
  organization: SliceOrganization,
): Promise<{ readonly accepted: boolean }> {
  if (ending.kind === "finish") return organization.finish({ ...ref, ...ending.command });
  if (ending.kind === "fail") return organization.fail({ ...ref, ...ending.command, fallbackModel });
  if (ending.kind === "ask") return organization.askPerson({ ...ref, ...ending.command });
  if (ending.kind === "yield") return organization.yieldSlice(ref);
  return Promise.resolve({ accepted: false });
}

/** Reports the ending. Throws only when the object cannot be reached. */
export async function report(
  ending: SliceEnding,
  fallbackModel: ModelName | null,
  { ref, organization, logger }: Pick<Slice, "ref" | "organization" | "logger">,
): Promise<void> {
  const { accepted } = await repeatCall(() => tellObject(ending, fallbackModel, ref, organization()), logger);
  if (ending.kind === "fail") {
    const { failureClass, error } = ending.command;
    logger.warn("attempt failed", { failureClass, reason: error.reason, problem: error.message, accepted });
  }
  logger.info("slice ended", { how: ending.kind, accepted });
}
