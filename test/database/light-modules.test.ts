import { expect, it } from "vitest";
import { readSources } from "../support/source-tree.ts";

/** Packages that a module brings with it, through every module that it imports; without those that wait to be needed. */
function packagesBehind(entry: string, options = { withLate: true }): ReadonlySet<string> {
  const byPath = new Map(readSources("src/**/*.ts").map((file) => [file.path, file]));
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    if (path.includes("/generated/")) packages.add("@prisma/client");
    for (const name of byPath.get(path)?.packages ?? []) packages.add(name);
    const file = byPath.get(path);
    const late = new Set(options.withLate ? [] : file?.lateImports);
    for (const next of file?.imports ?? []) if (!late.has(next)) visit(next);
  };
  visit(entry);
  return packages;
}

it.each(["src/db/identity.ts", "src/db/usage-reader.ts", "src/db/database-check.ts", "src/db/retention.ts"])(
  "%s asks Postgres without Prisma, which is slow to load",
  (entry) => {
    const packages = [...packagesBehind(entry)];
    expect(packages).toContain("@neondatabase/serverless");
    expect(packages.filter((name) => name.includes("prisma"))).toEqual([]);
  },
);

it("the Worker itself, and so submission, a read from the object and a socket's upgrade, loads no Prisma", () => {
  const packages = [...packagesBehind("src/worker.ts", { withLate: false })];
  expect(packages).toContain("hono");
  expect(packages.filter((name) => name.includes("prisma"))).toEqual([]);
});

it("would notice Prisma where it is", () => {
  const packages = [...packagesBehind("src/worker.ts")];
  expect(packages.filter((name) => name.includes("prisma"))).toEqual(expect.arrayContaining(["@prisma/client"]));
});
