/** Runs one tool call of a model: the only way from the agents' loop to a tool. */
import type { ArtifactDraft } from "../contracts/organization-rpc.ts";
import type { ModelToolCall } from "../contracts/ports.ts";
import type { PolicyDecision, SavedFile } from "../contracts/records.ts";
import { redactText } from "../core/redaction/redact.ts";
import type { ToolContext } from "./define-tool.ts";
import { findTool } from "./registry.ts";
import { PolicyRefusal, ToolError } from "./tool-error.ts";
import { markUntrusted } from "./untrusted-data.ts";

export interface ToolExecution {
  /** Bounded text for the `tool_result`, without secrets; what a tool read is marked in it as data. */
  readonly output: string;
  readonly isError: boolean;
  readonly policy: PolicyDecision;
  /** Files that this call changed, to be saved with the checkpoint; a later change of a path replaces an earlier one. */
  readonly workspace: readonly SavedFile[];
  readonly artifacts: readonly ArtifactDraft[];
  /** Set when the call ended the job. */
  readonly finished: { readonly summary: string } | null;
}

function refusal(message: string, policy: PolicyDecision): ToolExecution {
  return { output: redactText(message), isError: true, policy, workspace: [], artifacts: [], finished: null };
}

/**
 * Runs the call. Whatever the model can put right (an unknown tool, bad input, a refused path) comes back as an error
 * for it to read. A fault that is not its own, such as an unreachable repository object, is thrown. Calls that
 * only read may run together; one that changes something must run alone, because all share one workspace.
 */
export async function executeTool(
  ctx: ToolContext,
  call: Pick<ModelToolCall, "name" | "input">,
): Promise<ToolExecution> {
  const tool = ctx.tools.includes(call.name) ? findTool(call.name) : null;
  if (tool === null) {
    return refusal(
      `There is no tool of this name here. Use one of: ${[...ctx.tools].sort().join(", ")}.`,
      "not_available",
    );
  }
  try {
    const result = await tool.execute(ctx, call.input);
    return {
      output: markUntrusted(redactText(result.output)),
      isError: false,
      policy: "allowed",
      workspace: (await ctx.workspace?.takeChanges()) ?? [],
      artifacts: result.artifacts ?? [],
      finished: result.finished ?? null,
    };
  } catch (error) {
    if (error instanceof PolicyRefusal) return refusal(error.message, "refused");
    if (error instanceof ToolError) return refusal(error.message, "allowed");
    throw error;
  }
}
