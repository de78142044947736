/** Marks what a tool returns as data. Files, issues and commits may hold words that were written to steer the model. */
import { hash } from "node:crypto";

/** Largest tool output that reaches the model, in UTF-16 code units. */
export const maxOutputCharacters = 30_000;

/**
 * The text between two marks, cut to `maxOutputCharacters`. The mark holds a digest of the text, so that no text
 * can close its own mark, and the same text is always marked the same way.
 */
export function markUntrusted(text: string): string {
  const isCut = text.length > maxOutputCharacters;
  const kept = isCut ? text.slice(0, maxOutputCharacters).toWellFormed() : text;
  const mark = `data-${hash("sha256", kept).slice(0, 16)}`;
  const note = isCut ? `\nThe output was cut after ${maxOutputCharacters} characters; ask for less at a time.` : "";
  return `<${mark}>\n${kept}\n</${mark}>${note}`;
}
