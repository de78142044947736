/** A repository in memory, and the context of a job that works on it. */
import type { FileContent } from "../../src/contracts/repository-rpc.ts";
import type { WorkspaceChange } from "../../src/contracts/records.ts";
import { escapeGlob, globMatcher } from "../../src/core/glob.ts";
import { searchLines } from "../../src/core/line-search.ts";
import type { ToolContext } from "../../src/tools/define-tool.ts";
import { tools } from "../../src/tools/registry.ts";
import type { RepositorySnapshot } from "../../src/tools/repository-snapshot.ts";
import { Workspace } from "../../src/tools/workspace.ts";

export type Files = Readonly<Record<string, string | FileContent>>;

export function snapshotOf(files: Files): RepositorySnapshot {
  const paths = Object.keys(files).sort();
  const select = (glob: string | null): string[] => paths.filter(glob === null ? () => true : globMatcher(glob));
  const contentOf = (path: string): FileContent | null => {
    const file = files[path];
    if (file === undefined) return null;
    return typeof file === "string" ? { kind: "text", text: file } : file;
  };
  return {
    repository: { owner: "spokestack-demo", name: "erp" },
    baseBranch: "main",
    baseCommit: "b".repeat(40),
    readFile: (path) => Promise.resolve(contentOf(path)),
    hasFolder: (path) => Promise.resolve(select(`${escapeGlob(path)}/**`).length > 0),
    listFiles: (glob, limit) => Promise.resolve({ paths: select(glob).slice(0, limit), total: select(glob).length }),
    searchCode: ({ text, ignoreCase, glob, limit, excludePaths }) => {
      const matches = select(glob)
        .filter((path) => !excludePaths.includes(path))
        .flatMap((path) => {
          const content = contentOf(path);
          if (content?.kind !== "text") return [];
          return searchLines(content.text, text, ignoreCase, limit + 1).map(({ line, text: found }) => ({
            path,
            line,
            text: found,
          }));
        });
      return Promise.resolve({ matches: matches.slice(0, limit), truncated: matches.length > limit });
    },
  };
}

export function workspaceOf(files: Files, saved: readonly WorkspaceChange[] = []): Workspace {
  return new Workspace(snapshotOf(files), saved);
}

export function contextOf(workspace: Workspace | null, slug: string | null = "northwind-studio"): ToolContext {
  const organizationId = `org_${crypto.randomUUID()}`;
  const job = { organizationId, slug, issueId: "iss_1", jobId: "job_1" };
  return { ...job, tools: Object.keys(tools), workspace, idempotencyKey: "job_1/1/1/x", answer: null };
}
