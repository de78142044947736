import { expect, it } from "vitest";
import { readSources } from "../support/source-tree.ts";

/** Packages that a module brings with it, through every module that it imports. */
function packagesBehind(entry: string): ReadonlySet<string> {
  const byPath = new Map(readSources("src/**/*.ts").map((file) => [file.path, file]));
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    if (path.includes("/generated/")) packages.add("@prisma/client");
    for (const name of byPath.get(path)?.packages ?? []) packages.add(name);
    for (const next of byPath.get(path)?.imports ?? []) visit(next);
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

it("would notice Prisma where it is", () => {
  const packages = [...packagesBehind("src/db/issue-reader.ts")];
  expect(packages.filter((name) => name.includes("prisma"))).toEqual(expect.arrayContaining(["@prisma/client"]));
});
