/** How a waiting review is shown: what would change, and how to decide. */
import pc from "picocolors";
import { z } from "zod";
import { apiBasePath, dashboardPath, organizationHeader } from "../../src/contracts/http.ts";
import type { ApiCaller } from "./api-client.ts";
import type { ReviewDetailView } from "./demo-run.ts";
import { dollars } from "./demo-view.ts";

const changedFilesSchema = z.object({
  files: z.array(z.object({ path: z.string(), change: z.string(), additions: z.int(), deletions: z.int() })),
});

/** Lines that show the change, file by file, with its patch. */
export function reviewLines(review: ReviewDetailView): readonly string[] {
  const { artifact, issue, agentVerdict } = review;
  const files = changedFilesSchema.safeParse(artifact.metadata).data?.files ?? [];
  return [
    pc.bold(`A change waits for review: ${artifact.name}`),
    ...(agentVerdict === null ? [] : [`  meta.review: ${agentVerdict.decision}, ${agentVerdict.summary}`]),
    ...files.map(
      (file) =>
        `  ${file.change.padEnd(9)} ${file.path} ${pc.green(`+${file.additions}`)} ${pc.red(`-${file.deletions}`)}`,
    ),
    ...(artifact.diffPatch ?? "").trimEnd().split("\n").map(patchLine),
    `  cost so far ${dollars(issue.costMicroUsd)}`,
  ];
}

/** Lines that say where to look and how to approve. */
export function decisionLines(admin: ApiCaller, review: ReviewDetailView): readonly string[] {
  const body = JSON.stringify({ decision: "approve", contentHash: review.contentHash });
  return [
    `  dashboard   ${pc.cyan(`${admin.url}${dashboardPath}`)}`,
    `  approve     ${pc.cyan("npm run demo:approve")}`,
    "  or          curl -X POST \\",
    `                -H 'Authorization: Bearer ${admin.token}' \\`,
    `                -H '${organizationHeader}: ${admin.organizationId ?? ""}' \\`,
    "                -H 'Content-Type: application/json' \\",
    `                -d '${body}' \\`,
    `                ${admin.url}${apiBasePath}/reviews/${review.id}`,
  ];
}

/** One line of a unified diff, coloured and set in. */
export function patchLine(line: string): string {
  if (line.startsWith("+")) return `    ${pc.green(line)}`;
  return `    ${line.startsWith("-") ? pc.red(line) : pc.dim(line)}`;
}
