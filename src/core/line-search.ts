/** Literal search in the lines of one text. */

const maxLineCharacters = 300;
/** How much of a long line is shown before the match. */
const leadCharacters = 80;

export interface LineMatch {
  /** Counts from 1. */
  readonly line: number;
  readonly text: string;
}

function excerpt(line: string, at: number): string {
  if (line.length <= maxLineCharacters) return line;
  const start = Math.max(0, Math.min(at - leadCharacters, line.length - maxLineCharacters));
  return line.slice(start, start + maxLineCharacters).toWellFormed();
}

/** Lines that hold `needle`, at most `limit` of them; `needle` has no line break. Long lines are cut around the match. */
export function searchLines(text: string, needle: string, ignoreCase: boolean, limit: number): LineMatch[] {
  const wanted = ignoreCase ? needle.toLowerCase() : needle;
  const matches: LineMatch[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (matches.length >= limit) break;
    const at = (ignoreCase ? line.toLowerCase() : line).indexOf(wanted);
    if (at >= 0) matches.push({ line: index + 1, text: excerpt(line.replace(/\r$/u, ""), at) });
  }
  return matches;
}
