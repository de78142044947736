import { incrementBase32, ulid } from "ulid";
import { type Random, systemRandom } from "./random.ts";

/** The kinds of things that have an id; the prefix makes every id say what it names. */
const idPrefixes = {
  issue: "iss",
  job: "job",
  artifact: "art",
  review: "rev",
  effect: "eff",
  question: "que",
  message: "msg",
  dispatch: "dsp",
  slot: "slt",
  log: "log",
  request: "req",
  incarnation: "inc",
  switch: "swi",
  session: "ses",
  ticket: "tkt",
} as const;

export type IdKind = keyof typeof idPrefixes;

/**
 * A new id such as `iss_01JD…`: prefix and ULID (github.com/ulid/spec), so ids of one kind sort by time.
 * `nowMs` comes from the caller's clock; without a source of chance it is the runtime's own.
 */
export function newId(kind: IdKind, nowMs: number, random: Random = systemRandom): string {
  return `${idPrefixes[kind]}_${ulid(nowMs, random)}`;
}

/**
 * The id, or where it would not sort after `earlier` the next id after that one: ids of one millisecond are in the order of
 * chance, and the clock of the next machine may be behind.
 */
export function idAfter(id: string, earlier: string | null): string {
  if (earlier === null || id > earlier) return id;
  const [prefix = "", ulidOfEarlier = ""] = earlier.split("_");
  return `${prefix}_${incrementBase32(ulidOfEarlier)}`;
}

/** A pattern that matches ids of one kind, for schemas. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${idPrefixes[kind]}_[0-9A-HJKMNP-TV-Z]{26}$`, "u");
}
