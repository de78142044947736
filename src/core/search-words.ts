/**
 * What a text is found by. It is decided here alone, so that a search means the same wherever it is carried out: words are
 * runs of letters and digits, whatever their case, accents and compatibility forms (Unicode NFKD); scripts that are
 * written without spaces are taken sign by sign. A search finds what holds, for each of its words, one that begins with it.
 */

/** What is longer is cut, in texts and searches alike. */
const maxWordCharacters = 48;
/** Words of one text that count: with the longest of them all, a `tsvector` stays within its megabyte. */
const maxWords = 4_000;

const unspaced = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}`;
const sign = String.raw`[\p{L}\p{N}]`;
const wordPattern = new RegExp(`[${sign}&&[${unspaced}]]|[${sign}--[${unspaced}]]+`, "gv");

function cutWord(word: string): string {
  return word.length <= maxWordCharacters ? word : word.slice(0, maxWordCharacters).replace(/\p{Cs}$/u, "");
}

/** The distinct words of a text in order, at most 4,000 of them. */
export function searchWords(text: string): readonly string[] {
  const plain = text
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/\p{M}+/gu, "")
    .replaceAll("ς", "σ");
  const words = new Set<string>();
  for (const [word] of plain.matchAll(wordPattern)) {
    words.add(cutWord(word));
    if (words.size === maxWords) break;
  }
  return [...words];
}

/** Whether each word of a search begins one of these. */
export function holdsWords(words: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((start) => words.some((word) => word.startsWith(start)));
}
