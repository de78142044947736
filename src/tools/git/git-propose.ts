import { z } from "zod";
import { fileApprover } from "../../contracts/review-policy.ts";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { refuseSecret } from "../secret-policy.ts";
import { PolicyRefusal, ToolError } from "../tool-error.ts";

export const gitPropose = defineTool({
  name: "git_propose",
  description:
    "Proposes all changes of this job as one change to the repository. A reviewer sees title, body and diff; once a person " +
    "has approved it, it becomes a draft pull request. Call it again after further changes: the last proposal counts.",
  access: "propose",
  input: z.strictObject({
    title: z
      .string()
      .trim()
      .min(5)
      .max(100)
      .regex(/^\P{Cc}*$/u, "must be one line")
      .describe("One line that says what the change does; it becomes the title of commit and pull request"),
    body: z
      .string()
      .trim()
      .min(20)
      .max(20_000)
      .describe("Markdown for the reviewer: what was wrong, what the change does, how to check it, what it may affect"),
  }),
  output: z.object({
    files: z.array(
      z.object({
        path: z.string(),
        change: z.enum(["added", "modified", "deleted"]),
        additions: z.int(),
        deletions: z.int(),
      }),
    ),
  }),
  run: async ({ ctx, input }) => {
    const workspace = workspaceOf(ctx);
    const { repository, baseBranch, baseCommit } = workspace.snapshot;
    const { diffs, files } = await workspace.diff();
    if (diffs.length === 0) throw new ToolError("There is nothing to propose: no file differs from the base commit.");
    const approver = fileApprover(
      files.map(({ path }) => path),
      ctx.slug,
    );
    if (approver.kind === "refused")
      throw new PolicyRefusal(`${approver.path} cannot be proposed: ${approver.reason}.`);

    for (const { path, secret } of diffs) refuseSecret(path, secret);

    const summary = diffs.map(({ path, change, additions, deletions }) => ({ path, change, additions, deletions }));
    const [only, ...others] = files;
    return {
      output: { files: summary },
      artifacts: [
        {
          type: "CODE_CHANGE",
          name: input.title,
          content: input.body,
          filePath: others.length === 0 ? (only?.path ?? null) : null,
          diffPatch: diffs.map(({ patch }) => patch).join(""),
          metadata: { title: input.title, baseCommit, baseBranch, repository, files: summary },
          files,
        },
      ],
    };
  },
  render: ({ files }) =>
    [
      "The change was proposed and will be reviewed:",
      ...files.map(({ path, change, additions, deletions }) => `${change} ${path} (+${additions} -${deletions})`),
    ].join("\n"),
});
