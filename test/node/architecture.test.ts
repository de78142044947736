/** Holds the structure: who may import whom, no cycles, bindings only at the roots, and documents whose paths exist. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCycle, projectRoot, readSources } from "../support/source-tree.ts";

/** Folder → folders it may import besides itself. A folder that is not listed here may not exist. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contracts: ["core"],
  db: ["core", "contracts"],
  integrations: ["core", "contracts"],
  tools: ["core", "contracts", "db", "integrations"],
  agents: ["core", "contracts", "db", "integrations", "tools"],
  queues: ["core", "contracts", "db", "integrations", "tools", "agents"],
  cron: ["core", "contracts", "db", "integrations", "tools", "agents"],
  http: ["core", "contracts"],
  "durable-objects": ["core", "contracts"],
  ui: ["contracts"],
  client: ["contracts"],
};

/** Single files that a folder may import beyond its list, each for the reason given. */
const exceptions: readonly { readonly from: RegExp; readonly to: RegExp; readonly why: string }[] = [
  {
    from: /^src\/durable-objects\/[a-z]+\/[a-z]+-object\.ts$/u,
    to: /^src\/env\.ts$/u,
    why: "an object's constructor reads its settings",
  },
  { from: /^src\/http\//u, to: /^src\/durable-objects\/clients\.ts$/u, why: "routes call the objects" },
  { from: /^src\/http\//u, to: /^src\/db\/[a-z-]+-reader\.ts$/u, why: "routes read what has left the objects" },
  { from: /^src\/http\//u, to: /^src\/ui\//u, why: "the edge serves the dashboard" },
  { from: /^src\/env\.ts$/u, to: /^src\/(?:core|contracts)\//u, why: "settings are made of contracts" },
];

const roots = new Set(["src/worker.ts", "src/composition.ts"]);
const files = readSources("src/**/*.ts", "src/**/*.tsx");
const folderOf = (path: string): string => path.split("/")[1] ?? "";

describe("imports between folders", () => {
  test("every folder of src has its place in the order", () => {
    const folders = new Set(files.filter((file) => file.path.split("/").length > 2).map((file) => folderOf(file.path)));
    expect([...folders].filter((folder) => !(folder in mayImport))).toEqual([]);
  });

  test("go only in the agreed direction", () => {
    const violations = files
      .filter((file) => !roots.has(file.path))
      .flatMap((file) => file.imports.map((target) => ({ file: file.path, target })))
      .filter(({ file, target }) => {
        if (folderOf(file) === folderOf(target)) return false;
        if (exceptions.some(({ from, to }) => from.test(file) && to.test(target))) return false;
        const isInFolder = target.split("/").length > 2 && target.startsWith("src/");
        return !(isInFolder && mayImport[folderOf(file)]?.includes(folderOf(target)));
      })
      .map(({ file, target }) => `${file} → ${target}`);
    expect(violations).toEqual([]);
  });

  test("name files that exist", () => {
    const dangling = files.flatMap((file) =>
      file.imports
        .filter((target) => !target.includes("/generated/") && !existsSync(join(projectRoot, target)))
        .map((target) => `${file.path} → ${target}`),
    );
    expect(dangling).toEqual([]);
  });

  test("form no cycle", () => {
    expect(findCycle(files)).toBeNull();
  });

  test("of the object classes never reach Postgres, Claude or GitHub", () => {
    const clients = /^(?:@prisma\/|@neondatabase\/|@anthropic-ai\/|octokit|@octokit\/)/u;
    const found = files
      .filter((file) => file.path.startsWith("src/durable-objects/"))
      .flatMap((file) => file.packages.filter((name) => clients.test(name)).map((name) => `${file.path} → ${name}`));
    expect(found).toEqual([]);
  });
});

describe("bindings", () => {
  const mayReadBindings = (path: string): boolean =>
    roots.has(path) || /^src\/durable-objects\/[a-z]+\/[a-z]+-object\.ts$/u.test(path);

  test("are read at the roots and in an object's constructor only", () => {
    const reads = files
      .filter((file) => !mayReadBindings(file.path))
      .filter((file) =>
        /\b(?:this|process|ctx|c)\.env\b|:\s*(?:Cloudflare\.)?Env\b|\{\s*env\b[^}]*\}\s*from\s*"cloudflare:workers"/u.test(
          file.text,
        ),
      )
      .map((file) => file.path);
    expect(reads).toEqual([]);
  });

  test("are not kept by an object beyond its constructor", () => {
    const kept = files
      .filter((file) => file.path.startsWith("src/durable-objects/") && /\bthis\.env\b/u.test(file.text))
      .map((file) => file.path);
    expect(kept).toEqual([]);
  });
});

describe("documents", () => {
  const documents = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: projectRoot });
  const topLevel = /^(?:src|test|scripts|docs|prisma|migrations|demo|bench|examples|\.ci)\//u;

  test.each(documents)("%s names only paths that exist", (document) => {
    const text = readFileSync(join(projectRoot, document), "utf8");
    const quoted = [...text.matchAll(/`([^`\s]+)`/gu)]
      .map((match) => match[1] ?? "")
      .filter((path) => topLevel.test(path));
    const linked = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/gu)].map((match) => match[1] ?? "");
    const missing = [
      ...quoted.filter((path) => globSync(path, { cwd: projectRoot }).length === 0),
      ...linked.filter((path) => !existsSync(join(projectRoot, dirname(document), path))),
    ];
    expect(missing).toEqual([]);
  });
});
