/**
 * Globs over repository paths. They come from a model, and packages compile them to backtracking expressions;
 * here each becomes an expression for a linear-time engine, and `(…)` and `[…]` are the plain letters of route folders.
 */
import { RE2JS } from "re2js";

const maxGlobCharacters = 400;

/** A glob that cannot be used; the message says why, in words for whoever wrote it. */
export class GlobError extends Error {
  override readonly name = "GlobError";
}

/** Parts of a glob: an escaped character, `**` with its slash, `*`, `?`, braces and comma, else plain text. */
const tokens = /\\.|\*\*\/|\*\*|\*|\?|[{},]|[^*?{},\\]+|\\/gsu;

function expressionOf(glob: string): string {
  let depth = 0;
  let expression = "";
  for (const [token] of glob.matchAll(tokens)) {
    if (token.startsWith("\\")) expression += RE2JS.quote(token.slice(1));
    else if (token === "**/") expression += "(?:[^/]+/)*";
    else if (token === "**") expression += ".*";
    else if (token === "*") expression += "[^/]*";
    else if (token === "?") expression += "[^/]";
    else if (token === "{") {
      depth += 1;
      expression += "(?:";
    } else if (token === "}" && depth > 0) {
      depth -= 1;
      expression += ")";
    } else if (token === "," && depth > 0) expression += "|";
    else expression += RE2JS.quote(token);
  }
  if (depth > 0) throw new GlobError("the glob has an open brace");
  return expression;
}

/** The glob that matches this text and nothing else. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?{},\\]/gu, String.raw`\$&`);
}

/**
 * A matcher of whole paths: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` is either, a backslash makes
 * the next letter plain; names with a leading dot match like others. Its time grows linearly with the path. Throws `GlobError`.
 */
export function globMatcher(glob: string): (path: string) => boolean {
  if (glob.length > maxGlobCharacters) throw new GlobError(`the glob is longer than ${maxGlobCharacters} characters`);
  const pattern = RE2JS.compile(expressionOf(glob), RE2JS.DOTALL);
  return (path) => path === glob || pattern.testExact(path);
}
