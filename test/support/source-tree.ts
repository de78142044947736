/** Reads the project's own source as a graph of imports, for the tests that hold its structure. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Project files it imports or re-exports from, statically or dynamically, types included. */
  readonly imports: readonly string[];
  /** Those of them that it loads only when it comes to them. */
  readonly lateImports: readonly string[];
  /** Packages and built-in modules it imports. */
  readonly packages: readonly string[];
}

/** Every file that the globs name, except generated ones. */
export function readSources(...patterns: string[]): readonly SourceFile[] {
  return patterns
    .flatMap((pattern) => globSync(pattern, { cwd: projectRoot }))
    .filter((path) => !path.includes("/generated/"))
    .sort()
    .map((path) => {
      const text = readFileSync(join(projectRoot, path), "utf8");
      const { specifiers, late } = importSpecifiers(path, text);
      const fileOf = (specifier: string): string => relative(projectRoot, join(projectRoot, dirname(path), specifier));
      const isRelative = (specifier: string): boolean => specifier.startsWith(".");
      return {
        path,
        text,
        imports: specifiers.filter(isRelative).map(fileOf),
        lateImports: late.filter(isRelative).map(fileOf),
        packages: specifiers.filter((specifier) => !isRelative(specifier)),
      };
    });
}

function importSpecifiers(
  path: string,
  text: string,
): { readonly specifiers: readonly string[]; readonly late: readonly string[] } {
  const { module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const reExports = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap((entry) => (entry.moduleRequest ? [entry.moduleRequest.value] : [])),
  );
  const dynamic = module.dynamicImports.map(({ moduleRequest }) =>
    text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
  );
  const early = new Set([...module.staticImports.map((statement) => statement.moduleRequest.value), ...reExports]);
  return {
    specifiers: [...new Set([...early, ...dynamic])],
    late: dynamic.filter((specifier) => !early.has(specifier)),
  };
}

/** The first cycle of imports that is found, as the files along it; null when there is none. */
export function findCycle(files: readonly SourceFile[]): readonly string[] | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (finished.has(path)) return null;
    for (const next of byPath.get(path)?.imports ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle) return cycle;
    }
    finished.add(path);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file.path, []);
    if (cycle) return cycle;
  }
  return null;
}
