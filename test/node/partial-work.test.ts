/** What an unfinished job leaves behind, whatever it has said and changed. */
import { array, assert, constantFrom, option, property, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { wordsOf } from "../../src/contracts/transcript-words.ts";
import { type ChangedFile, partialArtifact } from "../../src/durable-objects/organization/partial-work.ts";

const of = (path: string, patch: string | null): ChangedFile => ({
  path,
  difference: { change: "modified", additions: 1, deletions: 0, patch },
});
const sizeOf = (text: string): number => new TextEncoder().encode(text).length;

describe("partial work", () => {
  test("is nothing where nothing was said or changed", () => {
    expect(partialArtifact({ reason: "poison", words: "", files: [] })).toBeNull();
  });

  test("is an analysis of words, files and their patches, and proposes nothing", () => {
    const files = [of("a.ts", "patch of a\n"), of("b.ts", null), { path: "c.ts", difference: null }];
    expect(partialArtifact({ reason: "poison", words: "It is the guard.", files })).toEqual({
      type: "ANALYSIS",
      name: "Partial work",
      content:
        "The job ended before it was done (poison). Nothing of this was proposed or applied.\n\n" +
        "## What the agent said last\nIt is the guard.\n\n" +
        "## Files that it had changed\n- modified a.ts\n- modified b.ts\n- changed c.ts",
      filePath: null,
      diffPatch: "patch of a\n",
      metadata: {
        partial: true,
        reason: "poison",
        files: [
          { path: "a.ts", change: "modified", additions: 1, deletions: 0 },
          { path: "b.ts", change: "modified", additions: 1, deletions: 0 },
          { path: "c.ts", change: "changed", additions: null, deletions: null },
        ],
      },
      files: [],
    });
  });

  test("keeps the patches that fit, whole, and counts them in bytes", () => {
    const large = "\u4e00".repeat(300_000);
    const draft = partialArtifact({ reason: "time", words: "", files: [of("a", large), of("b", large), of("c", "c")] });
    expect(draft?.diffPatch).toBe(`${large}c`);
    expect(draft?.content).toContain("- modified b");
  });

  test("always fits into a row, and is well-formed text", () => {
    const patch = option(constantFrom("", "x", "\u{1f600}".repeat(120_000)));
    const file = record({ path: string({ minLength: 1 }), patch }).map(({ path, patch: text }) => of(path, text));
    const words = array(string({ unit: "binary" }), { maxLength: 5 }).map((parts) =>
      parts.join("\u{1f600}".repeat(4_999)),
    );
    assert(
      property(words, array(file, { maxLength: 6 }), (said, files) => {
        const draft = partialArtifact({ reason: "stuck", words: said, files });
        if (draft === null) return said === "" && files.length === 0;
        return (
          sizeOf(draft.diffPatch ?? "") <= 1_000_000 && sizeOf(draft.content) < 200_000 && draft.files.length === 0
        );
      }),
      { numRuns: 50 },
    );
    const split = partialArtifact({ reason: "stuck", words: `${"x".repeat(19_999)}\u{1f600}`, files: [] });
    expect(split?.content.isWellFormed()).toBe(true);
  });
});

describe("an agent's words", () => {
  test("are the texts of its message, beside whatever else stands in it", () => {
    const thinking = { type: "thinking", thinking: "Hm.", signature: "s" };
    const call = { type: "tool_use", id: "t", name: "finish", input: { text: "no" } };
    const texts = [
      { type: "text", text: "It is " },
      thinking,
      { type: "text", text: "the guard.", citations: null },
      call,
    ];
    expect(wordsOf(JSON.stringify({ role: "assistant", content: texts }))).toBe("It is the guard.");
  });

  test.each([
    JSON.stringify({ role: "user", content: [{ type: "text", text: "No." }] }),
    JSON.stringify({ role: "assistant", content: "No." }),
    "{}",
    "[1]",
    "no JSON",
    "",
  ])("are none in %j", (message) => {
    expect(wordsOf(message)).toBe("");
  });
});
