/** Marks text that others wrote as data, so that the model reads it without taking orders from it. */
import { hash } from "node:crypto";

/**
 * The text between two marks, cut to `maxCharacters` with a note. The mark holds a digest of the text: no text can
 * close its own mark, and the same text is always marked the same way.
 */
export function quoteText(what: string, text: string, maxCharacters: number): string {
  const isCut = text.length > maxCharacters;
  const kept = isCut ? text.slice(0, maxCharacters).toWellFormed() : text;
  const mark = `quote-${hash("sha256", kept).slice(0, 16)}`;
  const note = isCut ? `\n(${what}: cut after ${maxCharacters} of ${text.length} characters)` : "";
  return `${what}:\n<${mark}>\n${kept}\n</${mark}>${note}`;
}
