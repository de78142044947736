/** The repository object's reading side over files on disk, for tests that run tools in plain Node. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { RepositoryRpc } from "../../src/contracts/repository-rpc.ts";
import { globMatcher } from "../../src/core/glob.ts";
import { searchLines } from "../../src/core/line-search.ts";

function readFolder(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(paths.map((path) => [relative(folder, path).split(sep).join("/"), readFileSync(path, "utf8")]));
}

/** Every commit holds the folder's files, and is sealed already. */
export function memoryRepository(folder: string): RepositoryRpc {
  const files = readFolder(folder);
  const matching = (glob: string | null): string[] =>
    [...files.keys()].filter(glob === null ? () => true : globMatcher(glob));
  const unexpected = (): Promise<never> => Promise.reject(new Error("a sealed commit takes nothing"));
  return {
    isSealed: () => Promise.resolve(true),
    missing: unexpected,
    ingest: unexpected,
    seal: unexpected,
    readFile: ({ path }) => {
      const text = files.get(path);
      return Promise.resolve(text === undefined ? null : { kind: "text", text });
    },
    listFiles: ({ glob, limit }) => {
      const paths = matching(glob);
      return Promise.resolve({ paths: paths.slice(0, limit), total: paths.length });
    },
    searchCode: ({ text, ignoreCase, glob, limit, excludePaths }) => {
      const matches = matching(glob)
        .filter((path) => !excludePaths.includes(path))
        .flatMap((path) =>
          [...searchLines(files.get(path) ?? "", text, ignoreCase, limit)].map(({ line, text: found }) => ({
            path,
            line,
            text: found,
          })),
        );
      return Promise.resolve({ matches: matches.slice(0, limit), truncated: matches.length > limit });
    },
  };
}
