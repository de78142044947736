import { describe, expect, it } from "vitest";
import { applyPatch, parsePatch } from "diff";
import { array, assert, constantFrom, property } from "fast-check";
import { diffFile } from "../../src/tools/file-diff.ts";
import { maxChangedBytes, maxChangedFiles } from "../../src/tools/workspace.ts";
import { workspaceOf } from "./tools-fixture.ts";

const anyText: unknown = expect.any(String);
const of = (change: string, additions: number, deletions: number) => ({ change, additions, deletions });

const files = { "README.md": "read me\n", "src/a.ts": "alpha\nbeta\n", "src/b.ts": "beta\n" };

describe("a workspace", () => {
  it("reads what was written, and the rest from the snapshot", async () => {
    const workspace = workspaceOf(files);
    expect(await workspace.writeFile("src/a.ts", "gamma\n")).toEqual({ change: "replaced" });
    expect(await workspace.writeFile("src/c.ts", "new\n")).toEqual({ change: "created" });
    expect(await workspace.writeFile("src/b.ts", null)).toEqual({ change: "deleted" });
    expect(await workspace.readFile("src/a.ts")).toBe("gamma\n");
    expect(await workspace.readFile("README.md")).toBe("read me\n");
    await expect(workspace.readFile("src/b.ts")).rejects.toThrow("There is no file src/b.ts");
    expect(await workspace.listFiles(null, 10)).toEqual({ paths: ["README.md", "src/a.ts", "src/c.ts"], total: 3 });
    expect(await workspace.listFiles("src/**", 1)).toEqual({ paths: ["src/a.ts"], total: 2 });
  });

  it("searches its own version of a file", async () => {
    const workspace = workspaceOf(files);
    await workspace.writeFile("src/a.ts", "no more\nbeta beta\n");
    await workspace.writeFile("src/0.ts", "a beta\n");
    const search = { text: "beta", ignoreCase: false, glob: null };
    const found = await workspace.searchCode({ ...search, limit: 10 });
    expect(found).toEqual({
      matches: [
        { path: "src/0.ts", line: 1, text: "a beta" },
        { path: "src/a.ts", line: 2, text: "beta beta" },
        { path: "src/b.ts", line: 1, text: "beta" },
      ],
      truncated: false,
    });
    expect(await workspace.searchCode({ ...search, limit: 2 })).toEqual({
      matches: found.matches.slice(0, 2),
      truncated: true,
    });
  });

  it("hands over each change once, and is the same again when they are restored", async () => {
    const workspace = workspaceOf(files);
    await workspace.writeFile("src/a.ts", "first\n");
    const first = await workspace.takeChanges();
    await workspace.writeFile("src/a.ts", "second\n");
    await workspace.writeFile("src/b.ts", null);
    const second = await workspace.takeChanges();
    const { diffs } = await workspace.diff();
    expect([first, second, await workspace.takeChanges()]).toEqual([
      [{ path: "src/a.ts", content: "first\n", difference: { ...of("modified", 1, 2), patch: anyText } }],
      [
        { path: "src/a.ts", content: "second\n", difference: { ...of("modified", 1, 2), patch: diffs[0]?.patch } },
        { path: "src/b.ts", content: null, difference: { ...of("deleted", 0, 1), patch: diffs[1]?.patch } },
      ],
      [],
    ]);
    const restored = workspaceOf(files, [...first, ...second]);
    expect(await restored.diff()).toEqual(await workspace.diff());
    expect(await restored.takeChanges()).toEqual([]);
  });

  it("keeps no patch that is too large to be stored beside its file", async () => {
    const workspace = workspaceOf(files);
    await workspace.writeFile("src/large.ts", "\u4e00".repeat(170_000));
    await workspace.writeFile("src/small.ts", "x".repeat(200_000));
    const [large, small] = await workspace.takeChanges();
    expect(large).toMatchObject({ difference: { change: "added", additions: 1, patch: null } });
    expect(small?.difference?.patch).toContain("+x");
  });

  it("shows no difference for a file that is as it was", async () => {
    const workspace = workspaceOf(files);
    await workspace.writeFile("src/a.ts", "other");
    await workspace.writeFile("src/a.ts", files["src/a.ts"]);
    await workspace.writeFile("src/new.ts", "new");
    await workspace.writeFile("src/new.ts", null);
    expect(await workspace.diff()).toEqual({ diffs: [], files: [] });
    expect((await workspace.takeChanges()).map(({ difference }) => difference)).toEqual([null, null]);
  });

  it.each([
    ["../outside.ts", "not a repository path"],
    ["/etc/passwd", "not a repository path"],
    ["src//a.ts", "not a repository path"],
    [".git/config", "Git's own files"],
    [".github/workflows/ci.yml", "people only"],
    ["package-lock.json", "people only"],
    ["apps/web/.env.local", "people only"],
    ["CODEOWNERS", "people only"],
    [`${"long/".repeat(90)}x`, "longer than"],
  ])("refuses to write %s", async (path, reason) => {
    await expect(workspaceOf(files).writeFile(path, "x")).rejects.toThrow(reason);
  });

  it("keeps files and folders apart", async () => {
    const workspace = workspaceOf(files);
    await expect(workspace.writeFile("src", "x")).rejects.toThrow("src is a folder");
    await expect(workspace.writeFile("src/a.ts/deep/x.ts", "x")).rejects.toThrow("src/a.ts is a file");
    await workspace.writeFile("src/a.ts", null);
    await workspace.writeFile("src/a.ts/deep/x.ts", "x");
    await expect(workspace.writeFile("src/a.ts", "x")).rejects.toThrow("src/a.ts is a folder");
  });

  it("opens text files only", async () => {
    const workspace = workspaceOf({
      "logo.png": { kind: "binary" },
      "big.csv": { kind: "too_large", sizeBytes: 5_000_000 },
      link: { kind: "link" },
    });
    await expect(workspace.readFile("logo.png")).rejects.toThrow("not a text file");
    await expect(workspace.readFile("big.csv")).rejects.toThrow("5000000 bytes");
    await expect(workspace.writeFile("link", "x")).rejects.toThrow("symbolic link");
    await expect(workspace.writeFile("text.ts", "a\0b")).rejects.toThrow("Only text files");
  });

  it("stays small enough to be reviewed", async () => {
    const full = Array.from({ length: maxChangedFiles }, (_, index) => ({ path: `src/${index}.ts`, content: "x" }));
    await expect(workspaceOf(files, full).writeFile("src/more.ts", "x")).rejects.toThrow("at most");
    expect(await workspaceOf(files, full).writeFile("src/1.ts", "y")).toEqual({ change: "replaced" });
    const large = [{ path: "src/large.ts", content: "ü".repeat(maxChangedBytes / 2) }];
    await expect(workspaceOf(files, large).writeFile("src/more.ts", "x")).rejects.toThrow("at most");
  });
});

describe("diffFile", () => {
  it("prints what Git would", () => {
    expect(diffFile("a.ts", "one\ntwo\n", "one\nthree\n")).toEqual({
      path: "a.ts",
      change: "modified",
      additions: 1,
      deletions: 1,
      patch: "diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n",
      secret: null,
    });
    expect(diffFile("a.ts", null, "one")?.patch).toBe(
      "diff --git a/a.ts b/a.ts\nnew file mode 100644\n--- /dev/null\n+++ b/a.ts\n@@ -0,0 +1,1 @@\n+one\n\\ No newline at end of file\n",
    );
    expect(diffFile("a.ts", "one\n", null)).toMatchObject({ change: "deleted", additions: 0, deletions: 1 });
  });

  it("gives a patch that leads from one text to the other", () => {
    const text = array(constantFrom("a", "b", "c", "é", ""), { maxLength: 12 }).map((lines) => lines.join("\n"));
    expect(() => {
      assert(
        property(text, text, (before, after) => {
          const diff = diffFile("a.ts", before, after);
          return diff === null ? before === after : applyPatch(before, parsePatch(diff.patch)[0] ?? "") === after;
        }),
      );
    }).not.toThrow();
  });

  it("replaces a file whole when nearly every line changed", () => {
    const lines = (prefix: string): string => Array.from({ length: 9_000 }, (_, n) => `${prefix}${n}`).join("\n");
    const diff = diffFile("a.ts", lines("old"), lines("new"));
    expect(diff).toMatchObject({ additions: 9_000, deletions: 9_000 });
    expect(applyPatch(lines("old"), parsePatch(diff?.patch ?? "")[0] ?? "")).toBe(lines("new"));
  });
});
