/** What a new attempt is told of the one before it: a summary made of its recorded steps, equal for equal steps. */
import type { LastAttempt } from "../../contracts/organization-rpc.ts";
import type { StepRecord } from "../../contracts/records.ts";
import { quoteText } from "./quoted-text.ts";

const maxWordsCharacters = 400;
const maxInputCharacters = 200;
const maxSummaryCharacters = 8_000;

function cut(text: string, maxCharacters: number): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters).toWellFormed()} …`;
}

function lineOf({ kind, name, input, output, isError }: StepRecord): string | null {
  if (kind === "tool") return `- ${name} ${cut(input, maxInputCharacters)}${isError ? " → an error" : ""}`;
  return output.trim() === "" ? null : cut(output, maxWordsCharacters);
}

/** The section of the first message that tells of the last attempt. */
export function lastAttemptSection({ error, steps }: LastAttempt): string {
  const lines = steps.flatMap((step) => lineOf(step) ?? []);
  return [
    "# The attempt before this one",
    `It ended before the work was done${error === null ? "" : ` (${error.reason})`}. Do not do again what it found out.`,
    quoteText("What it said and did, in order", lines.join("\n"), maxSummaryCharacters),
  ].join("\n");
}
