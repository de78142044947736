/** The repository as one job sees it: the repository object bound to a commit and to the organization that reads. */
import type { FileContent, FileMatch, RepositoryReader, RepositoryRpc } from "../contracts/repository-rpc.ts";
import type { Repository } from "../contracts/terms.ts";
import { escapeGlob } from "../core/glob.ts";

export interface RepositorySnapshot {
  readonly repository: Repository;
  readonly baseBranch: string;
  readonly baseCommit: string;
  /** Null when there is no such file. */
  readFile(path: string): Promise<FileContent | null>;
  hasFolder(path: string): Promise<boolean>;
  listFiles(glob: string | null, limit: number): Promise<{ readonly paths: readonly string[]; readonly total: number }>;
  searchCode(query: {
    readonly text: string;
    readonly ignoreCase: boolean;
    readonly glob: string | null;
    readonly limit: number;
    readonly excludePaths: readonly string[];
  }): Promise<{ readonly matches: readonly FileMatch[]; readonly truncated: boolean }>;
}

/** Binds the repository object to a sealed commit and its reader. */
export function snapshotAt(
  rpc: RepositoryRpc,
  reader: RepositoryReader,
  at: { readonly repository: Repository; readonly baseBranch: string; readonly baseCommit: string },
): RepositorySnapshot {
  const bound = { organizationId: reader.organizationId, slug: reader.slug, commit: at.baseCommit };
  return {
    ...at,
    readFile: (path) => rpc.readFile({ ...bound, path }),
    hasFolder: async (path) => {
      const inside = await rpc.listFiles({ ...bound, glob: `${escapeGlob(path)}/**`, limit: 1 });
      return inside.total > 0;
    },
    listFiles: (glob, limit) => rpc.listFiles({ ...bound, glob, limit }),
    searchCode: (query) => rpc.searchCode({ ...bound, ...query }),
  };
}
