import { incrementBase32, monotonicFactory, ulid } from "ulid";
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

/** Makes a ULID (github.com/ulid/spec) for a time. */
export type UlidMaker = (nowMs: number) => string;

/**
 * Each ULID sorts after every one made before, also within a millisecond and where the clock ran back: what one place makes
 * is in the order in which it was made.
 */
export function increasingUlids(random: Random = systemRandom): UlidMaker {
  return monotonicFactory(random);
}

/** A new id such as `iss_01JD…`: prefix and ULID, so ids of one kind sort by time. `nowMs` comes from the caller's clock. */
export function newId(kind: IdKind, nowMs: number, ulidAt: UlidMaker = (ms) => ulid(ms, systemRandom)): string {
  return `${idPrefixes[kind]}_${ulidAt(nowMs)}`;
}

/**
 * The id, or where it would not sort after `earlier` the next id after that one: another machine may have made
 * that, with its clock ahead of this one's.
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
