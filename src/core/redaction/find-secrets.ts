/** Finds secrets in a text, in time that grows with its length alone. */
import {
  assignment,
  headerName,
  headerValue,
  isAddressSecret,
  isHeaderSecret,
  isSecretValue,
  secretName,
} from "./assigned-secrets.ts";
import { secretRules, type SecretRule } from "./secret-rules.ts";

export interface FoundSecret {
  readonly rule: string;
  readonly start: number;
  /** Where the text goes on. */
  readonly end: number;
}

const escaped = (text: string): string => text.replaceAll(/[$()*+./?[\\\]^{|}]/gu, "\\$&");
const starts = [...new Set(secretRules.flatMap((rule) => rule.starts))].sort(
  (left, right) => right.length - left.length,
);
const anyStart = new RegExp(starts.map(escaped).join("|"), "u");
const rulesByStart = new Map(
  starts.map((start) => [start, secretRules.filter((rule) => rule.starts.some((own) => start.startsWith(own)))]),
);

/** Every match, for most texts hold none: asking whether there is one costs a fraction of preparing to list them. */
function matchesOf(pattern: RegExp, text: string): Iterable<RegExpExecArray> {
  return pattern.test(text) ? text.matchAll(new RegExp(pattern, `${pattern.flags}g`)) : [];
}

const wordCharacter = /\w/u;
/** A digest of up to 512 bits in base64 or hexadecimal, as far as it has come. */
const integrityTail = /(?:sha(?:1|256|384|512)|md5)[-:][A-Za-z0-9+/]*$/iu;
const standInTail = /\[REDACTED:[\w-]*$/u;

function isWordBefore(text: string, at: number): boolean {
  return at > 0 && wordCharacter.test(text.charAt(at - 1));
}

/** Whether a name is that of a rule, in what already stands for a secret. */
function isInStandIn(text: string, at: number): boolean {
  return standInTail.test(text.slice(Math.max(0, at - 40), at));
}

/** Whether a name's letters stand by chance in the digest of an integrity value. */
function isInIntegrity(text: string, at: number): boolean {
  return integrityTail.test(text.slice(Math.max(0, at - 100), at));
}

function execAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function matchedRule(rule: SecretRule, text: string, at: number): FoundSecret | null {
  if (rule.atWordStart && isWordBefore(text, at)) return null;
  const match = execAt(rule.pattern, text, at);
  if (match === null) return null;
  const [start, end] = match.indices?.groups?.["secret"] ?? [at, at + match[0].length];
  if (rule.starts.includes("://") && !isAddressSecret(text.slice(start, end))) return null;
  return { rule: rule.name, start, end };
}

function byFormat(text: string, found: FoundSecret[]): void {
  for (const { 0: start, index } of matchesOf(anyStart, text)) {
    for (const rule of rulesByStart.get(start) ?? []) {
      const secret = matchedRule(rule, text, index);
      if (secret !== null) found.push(secret);
    }
  }
}

function byName(text: string, found: FoundSecret[]): void {
  for (const { 0: name, index } of matchesOf(secretName, text)) {
    const isName = !isInStandIn(text, index) && !isInIntegrity(text, index);
    const match = isName ? execAt(assignment, text, index) : null;
    const indices = match?.indices?.groups;
    if (indices === undefined) continue;
    const quoted = indices["double"] ?? indices["single"] ?? indices["back"];
    const place = quoted ?? indices["bare"];
    if (place === undefined) continue;
    const [start, end] = place;
    const value = text.slice(start, end);
    if (isSecretValue(name, value, quoted !== undefined)) {
      found.push({ rule: /^(?:pass|pwd)/iu.test(name) ? "password" : "secret", start, end });
    }
  }
}

function byHeader(text: string, found: FoundSecret[]): void {
  for (const { index } of matchesOf(headerName, text)) {
    const place = execAt(headerValue, text, index)?.indices?.groups?.["secret"];
    if (place === undefined) continue;
    const [start, end] = place;
    if (isHeaderSecret(text.slice(start, end))) found.push({ rule: "credentials", start, end });
  }
}

/** Secrets in order, none within or across another. */
export function findSecrets(text: string): readonly FoundSecret[] {
  const found: FoundSecret[] = [];
  byFormat(text, found);
  byName(text, found);
  byHeader(text, found);
  if (found.length < 2) return found;
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  let end = 0;
  return found.filter((secret) => {
    const isOwn = secret.start >= end;
    if (isOwn) ({ end } = secret);
    return isOwn;
  });
}
