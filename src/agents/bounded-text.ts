/** Texts of steps are for people who look back; the transcript keeps the whole. */

/** Longest input or output text of a step, in UTF-16 code units. */
export const maxStepCharacters = 8_000;

/** The text, cut to `maxStepCharacters` with a note of how much was left out. */
export function boundedText(text: string): string {
  if (text.length <= maxStepCharacters) return text;
  const note = `\n… (cut: ${text.length} characters in all)`;
  return text.slice(0, maxStepCharacters - note.length).toWellFormed() + note;
}
