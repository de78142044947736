/** What a tool is: data, a function that runs it, and a function that tells the model what came of it. */
import { z } from "zod";
import type { ArtifactDraft } from "../contracts/organization-rpc.ts";
import { ToolError } from "./tool-error.ts";
import type { Workspace } from "./workspace.ts";

/** `read` changes nothing, `propose` changes the job's own workspace or results, `act` changes the world outside. */
type ToolAccess = "read" | "propose" | "act";

/** Whom a tool call is for, and what it may touch. */
export interface ToolContext {
  readonly organizationId: string;
  /** The organization's name in tenant files; null when it has none. */
  readonly slug: string | null;
  readonly issueId: string;
  readonly jobId: string;
  /** Tools of the job's agent; a call of any other is refused. */
  readonly tools: readonly string[];
  /** Null when no repository is bound to the organization. */
  readonly workspace: Workspace | null;
  /** The same whenever this call is run, and that of no other call: whatever it does outside is done once under it. */
  readonly idempotencyKey: string;
  /** What a person answered to the call that is run; null for a call that asked nobody. */
  readonly answer: { readonly answer: string; readonly isDefault: boolean } | null;
}

/** What a tool hands back besides its output. */
interface ToolResult<Output> {
  readonly output: Output;
  readonly artifacts?: readonly ArtifactDraft[];
  /** Set by the tool that ends the job. */
  readonly finished?: { readonly summary: string };
}

interface ToolSpec<Name extends string, Input extends z.ZodObject, Output extends z.ZodType> {
  readonly name: Name;
  readonly description: string;
  readonly access: ToolAccess;
  /** A strict object: fields that it does not name are refused. */
  readonly input: Input;
  readonly output: Output;
  /** Throws `ToolError` for whatever the model can put right; anything else that it throws is a fault of ours. */
  run(call: { readonly ctx: ToolContext; readonly input: z.output<Input> }): Promise<ToolResult<z.output<Output>>>;
  /** The output as the model reads it. */
  render(output: z.output<Output>): string;
}

/** What all calls of a job's slice share. */
export type JobToolContext = Omit<ToolContext, "idempotencyKey" | "answer">;

/** A tool whose types have been closed over, so that tools of all shapes fit into one registry. */
export interface Tool<Name extends string = string> {
  readonly name: Name;
  readonly description: string;
  readonly access: ToolAccess;
  readonly input: z.ZodObject;
  readonly output: z.ZodType;
  /** Parses the input, runs, checks the output and renders it. Throws `ToolError` when the model is at fault. */
  readonly execute: (ctx: ToolContext, input: unknown) => Promise<ToolResult<string>>;
}

/** Makes a tool of its parts. */
export function defineTool<Name extends string, Input extends z.ZodObject, Output extends z.ZodType>(
  spec: ToolSpec<Name, Input, Output>,
): Tool<Name> {
  return {
    name: spec.name,
    description: spec.description,
    access: spec.access,
    input: spec.input,
    output: spec.output,
    execute: async (ctx, raw) => {
      const parsed = spec.input.safeParse(raw);
      if (!parsed.success) throw new ToolError(`The input is not valid.\n${z.prettifyError(parsed.error)}`);
      const result = await spec.run({ ctx, input: parsed.data });
      return { ...result, output: spec.render(spec.output.parse(result.output)) };
    },
  };
}

/** The job's workspace. Throws `ToolError` when the organization has no repository. */
export function workspaceOf(ctx: ToolContext): Workspace {
  if (ctx.workspace === null) {
    throw new ToolError("No repository is bound to this organization, so there are no files to work on.");
  }
  return ctx.workspace;
}
