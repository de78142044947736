/** Takes secrets out of what enters. The same text always becomes the same, and a second time changes nothing. */
import { isSecretValue, nameOfSecret } from "./assigned-secrets.ts";
import { findSecrets, type FoundSecret } from "./find-secrets.ts";

/** Any JSON value. */
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Called with the path of each part that was changed, its keys joined by dots. */
type OnRedacted = (path: string) => void;

function ignore(): void {
  // Not everybody asks what was changed.
}

function joined(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** What stands for a secret; the lines of a long one stay, so that later lines keep their numbers. */
function standIn(text: string, { rule, start, end }: FoundSecret): string {
  return `[REDACTED:${rule}]${"\n".repeat(text.slice(start, end).split("\n").length - 1)}`;
}

/** The text without its secrets; every other character stays as it is. */
export function redactText(text: string): string {
  let redacted = text;
  // What stands beside a secret may be seen as one only when the secret is gone.
  for (let secrets = findSecrets(text); secrets.length > 0; secrets = findSecrets(redacted)) {
    let from = 0;
    const parts: string[] = [];
    for (const secret of secrets) {
      parts.push(redacted.slice(from, secret.start), standIn(redacted, secret));
      from = secret.end;
    }
    redacted = parts.join("") + redacted.slice(from);
  }
  return redacted;
}

/** The same for one text of a document; `key` is the name that it stands under, which may tell that it is a secret. */
export function redactNamed(text: string, key: string): string {
  const name = nameOfSecret(key);
  return name !== null && isSecretValue(name, text, true) ? "[REDACTED:secret]" : redactText(text);
}

/** A JSON value with every text in it redacted by itself: values and names. */
export function redactJson(value: Json, onRedacted: OnRedacted = ignore, path = "", key = ""): Json {
  if (typeof value === "string") {
    const redacted = redactNamed(value, key);
    if (redacted !== value) onRedacted(path);
    return redacted;
  }
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return redactFields(value, onRedacted, path);
  return value.map((item, index) => redactJson(item, onRedacted, joined(path, String(index)), key));
}

/** The same for an object. */
export function redactFields(
  fields: Readonly<Record<string, Json>>,
  onRedacted: OnRedacted,
  path: string,
): Record<string, Json> {
  const redacted = new Map<string, Json>();
  for (const [name, field] of Object.entries(fields)) {
    const redactedName = freeName(redactText(name), redacted);
    const fieldPath = joined(path, redactedName);
    if (redactedName !== name) onRedacted(fieldPath);
    redacted.set(redactedName, redactJson(field, onRedacted, fieldPath, name));
  }
  return Object.fromEntries(redacted);
}

/** Two names that were secrets of one kind stay two. */
function freeName(name: string, taken: ReadonlyMap<string, unknown>): string {
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name} ${count}`;
  return free;
}
