/** No agent writes, changes or removes a secret, and no proposal shows one: what is committed is never rewritten, so it is refused. */
import { findSecrets } from "../core/redaction/find-secrets.ts";
import { PolicyRefusal } from "./tool-error.ts";

/** Lines of a text, from 1; none when there are no more than zero of them. */
interface LineRange {
  readonly first: number;
  readonly count: number;
}

/** Lines that a change shows: of the text before it, and of the text after it. */
export interface ShownLines {
  readonly before: readonly LineRange[];
  readonly after: readonly LineRange[];
}

/** Where a secret stands. */
export interface SecretLine {
  readonly line: number;
  readonly rule: string;
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

/** The first secret of a text that stands, in part at least, in one of these lines. */
function secretIn(text: string, ranges: readonly LineRange[]): SecretLine | null {
  for (const { rule, start, end } of findSecrets(text)) {
    const [first, last] = [lineAt(text, start), lineAt(text, end)];
    const isShown = ranges.some((range) => range.count > 0 && first < range.first + range.count && last >= range.first);
    if (isShown) return { line: first, rule };
  }
  return null;
}

/** The first secret that a change shows, counted in the lines of the new text where it stands there; null without one. */
export function secretShown(before: string, after: string, lines: ShownLines): SecretLine | null {
  return secretIn(after, lines.after) ?? secretIn(before, lines.before);
}

/** Throws `PolicyRefusal`, naming path and line, when there is a secret. */
export function refuseSecret(path: string, secret: SecretLine | null): void {
  if (secret === null) return;
  throw new PolicyRefusal(
    `${path}, line ${secret.line}: a secret (${secret.rule}) stands there, and no agent may write, change, remove or ` +
      "propose one. Leave the lines around it as they are, and ask a person to see to it.",
  );
}
