import { z } from "zod";
import type { ArtifactDraft } from "../../contracts/organization-rpc.ts";
import { defineTool } from "../define-tool.ts";

const text = (maxCharacters: number) => z.string().trim().min(1).max(maxCharacters);

function result(type: ArtifactDraft["type"], name: string, content: string): ArtifactDraft {
  return { type, name, content, filePath: null, diffPatch: null, metadata: {}, files: [] };
}

export const finish = defineTool({
  name: "finish",
  description:
    "Ends the job with its result. Call it once, alone, when everything is done: changes that were not proposed before are " +
    "lost. The summary is what the person who submitted the issue reads first.",
  access: "propose",
  input: z.strictObject({
    summary: text(2_000).describe("What came of it, in a few plain sentences"),
    report: text(50_000).optional().describe("Markdown: the full answer or analysis, when the issue asks for one"),
    recommendations: z
      .array(text(1_000))
      .min(1)
      .max(20)
      .optional()
      .describe("Steps that people should take, each complete in itself"),
  }),
  output: z.object({ summary: z.string() }),
  run: ({ input }) => {
    const artifacts = [
      ...(input.report === undefined ? [] : [result("ANALYSIS", "Report", input.report)]),
      ...(input.recommendations === undefined
        ? []
        : [result("RECOMMENDATION", "Recommendations", input.recommendations.map((step) => `- ${step}`).join("\n"))]),
    ];
    return Promise.resolve({
      output: { summary: input.summary },
      artifacts,
      finished: { summary: input.summary },
    });
  },
  render: () => "The job is finished.",
});
