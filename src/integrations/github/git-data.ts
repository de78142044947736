/** Reading Git's own objects through GitHub. */
import { z } from "zod";
import { GitHubError } from "../../contracts/ports.ts";
import type { Repository } from "../../contracts/terms.ts";
import type { GitHubApi } from "./github-api.ts";

const objectId = z.string().regex(/^[0-9a-f]{40}$/u);

export const repositorySchema = z.object({ default_branch: z.string() });
export const referenceSchema = z.object({ object: z.object({ sha: objectId }) });
export const writtenObjectSchema = z.object({ sha: objectId });
export const blobSchema = z.object({ content: z.string(), encoding: z.literal("base64") });
export const commitSchema = z.object({
  sha: objectId,
  message: z.string(),
  tree: z.object({ sha: objectId }),
  parents: z.array(z.object({ sha: objectId })),
});
const treeSchema = z.object({
  truncated: z.boolean(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.string(),
      type: z.enum(["blob", "tree", "commit"]),
      sha: objectId,
      size: z.int().optional(),
    }),
  ),
});

export type GitCommit = z.infer<typeof commitSchema>;
export type GitTreeItem = z.infer<typeof treeSchema>["tree"][number];

/** Every file, folder and submodule of a commit. Throws `GitHubError`; a tree that GitHub cuts off is a permanent one. */
export async function readTree(api: GitHubApi, repository: Repository, commit: string): Promise<GitTreeItem[]> {
  const route = "GET /git/trees/{commit}";
  const { tree, truncated } = await api.call(treeSchema, repository, route, { commit, recursive: "1" });
  if (!truncated) return tree;
  throw new GitHubError({
    transient: false,
    reason: "tree_too_large",
    message: "GitHub cuts off the repository's tree",
  });
}
