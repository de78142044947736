import { describe, expect, it } from "vitest";
import { assert, constantFrom, property, string } from "fast-check";
import { escapeGlob, GlobError, globMatcher } from "../../src/core/glob.ts";

describe("globMatcher", () => {
  it.each([
    ["*.ts", "a.ts", true],
    ["*.ts", "src/a.ts", false],
    ["**/*.ts", "a.ts", true],
    ["**/*.ts", "src/deep/a.ts", true],
    ["src/**", "src/deep/a.ts", true],
    ["src/**", "src", false],
    ["src/**/a.ts", "src/a.ts", true],
    ["src/**/a.ts", "src/x/y/a.ts", true],
    ["src/**/a.ts", "src/xa.ts", false],
    ["config/{tenants,templates}/**", "config/templates/x/y.ts", true],
    ["config/{tenants,templates}/**", "config/workflows/y.ts", false],
    ["{a,b/{c,d}}.ts", "b/d.ts", true],
    ["a,b.ts", "a,b.ts", true],
    ["?.ts", "a.ts", true],
    ["?.ts", "/.ts", false],
    ["*", ".env", true],
    ["src/app/(platform)/[id]/*.tsx", "src/app/(platform)/[id]/page.tsx", true],
    ["src/app/(platform)/[id]/*.tsx", "src/app/platform/i/page.tsx", false],
    [String.raw`a\*b`, "a*b", true],
    [String.raw`a\*b`, "axb", false],
    ["a+.$", "a+.$", true],
    ["a}", "a}", true],
  ])("%s against %s: %s", (glob, path, matches) => {
    expect(globMatcher(glob)(path)).toBe(matches);
  });

  it("refuses what it cannot read", () => {
    expect(() => globMatcher("{a,b")).toThrow(GlobError);
    expect(() => globMatcher("a".repeat(1_000))).toThrow(GlobError);
  });

  it("matches exactly the text that was escaped", () => {
    expect(() => {
      assert(
        property(string({ maxLength: 30 }), string({ maxLength: 30 }), (text, other) => {
          const matches = globMatcher(escapeGlob(text));
          return matches(text) && matches(other) === (text === other);
        }),
      );
    }).not.toThrow();
  });

  it("takes any text for a glob without failing otherwise than by a GlobError", () => {
    expect(() => {
      assert(
        property(
          string({
            maxLength: 40,
            unit: constantFrom("*", "?", "{", "}", ",", "\\", "/", "a", "(", "[", "+", "é"),
          }),
          (glob) => {
            try {
              return typeof globMatcher(glob)("a/b") === "boolean";
            } catch (error) {
              return error instanceof GlobError;
            }
          },
        ),
      );
    }).not.toThrow();
  });
});
