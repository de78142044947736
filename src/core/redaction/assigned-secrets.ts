/** Secrets without a format of their own: known by the name that a value is given to, when the value looks made up. */

/** Words for secrets, as part of a name. */
const secretWord = String.raw`pass(?:word|wd|phrase|code)|passwort|pwd|secret|token|credential|(?:api|access|account|private|signing|encryption|auth|service)[_-]?key`;
export const secretName = new RegExp(secretWord, "iu");

/** The word in a name that says that its value is a secret; null when there is none. */
export function nameOfSecret(name: string): string | null {
  return secretName.exec(name)?.[0] ?? null;
}

/** From such a word on: the rest of the name, a sign of assignment, and a value in quotes or without. */
export const assignment =
  /[\w-]{1,60}["'`]?\]?\s{0,4}(?:=>|:=|[:=])\s{0,4}(?:"(?<double>[^"\r\n]{8,400})"|'(?<single>[^'\r\n]{8,400})'|`(?<back>[^`\r\n]{8,400})`|(?<bare>[A-Za-z0-9+/=_.~!@#$%^&*-]{8,200}))/dy;

/** The word that a header's credentials follow. */
export const headerName = /\b(?:bearer|basic)\s/iu;
export const headerValue = /\w{5,6}\s{1,4}(?<secret>[A-Za-z0-9._~+/=-]{16,4096})/dy;

/** Values that stand for another one, or are none. */
const placeholder =
  /^(?:\[REDACTED|[$<{%([]|\*{3}|x{4}|\.{2,}|your|my[_-]|example|sample|dummy|change|replace|insert|placeholder|redacted|process\.|env\b|null|none|undefined|true|false)/iu;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;
/** A commit, and what a lock file holds: RFC 6920 and the Subresource Integrity specification. */
const gitId = /^[0-9a-f]{40}$/iu;
const integrity = /^(?:sha(?:1|256|384|512)|md5)[-:]/iu;
/** Something else's name: `user.password2`, `../secrets/key1.pem`, an address. */
const reference = /^(?:[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$|\.{0,2}\/|[a-z][a-z0-9+.-]{1,20}:\/\/)/iu;

/** Characters that a value is judged by: enough to tell, and few enough that many values cost little. */
const judgedCharacters = 64;

/** Shannon's entropy of a text in bits a character (Bell System Technical Journal 27, 1948). */
function bitsPerCharacter(value: string): number {
  const text = value.slice(0, judgedCharacters);
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

function isNoSecret(value: string): boolean {
  return (
    placeholder.test(value) || uuid.test(value) || gitId.test(value) || integrity.test(value) || reference.test(value)
  );
}

/**
 * Whether a value that was given to such a name is a secret. `name` tells passwords, which people choose, from keys, which
 * are made by chance; a value without quotes must look more like chance, because in code it is an expression.
 */
export function isSecretValue(name: string, value: string, isQuoted: boolean): boolean {
  if (value.length < 8 || /\s/u.test(value) || isNoSecret(value)) return false;
  const judged = value.slice(0, judgedCharacters);
  const digits = judged.replaceAll(/\D/gu, "").length;
  if (digits < (isQuoted ? 1 : 2) || digits === judged.length) return false;
  const isChosen = /^(?:pass|pwd)/iu.test(name);
  return isChosen ? bitsPerCharacter(value) >= 2.5 : value.length >= 12 && bitsPerCharacter(value) >= 3;
}

/** Whether what follows a header's word is a credential and no prose. */
export function isHeaderSecret(value: string): boolean {
  return /\d/u.test(value) && !isNoSecret(value) && bitsPerCharacter(value) >= 3;
}

/** Whether an address's password is one that hides something. */
export function isAddressSecret(value: string): boolean {
  return !placeholder.test(value) && !/^(?:pass|password|postgres|secret|root|user|admin)$/iu.test(value);
}
