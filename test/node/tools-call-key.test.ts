/** What a tool call is known by outside. */
import { anything, assert, constantFrom, integer, jsonValue, property, record, type Arbitrary } from "fast-check";
import { describe, expect, test } from "vitest";
import { callKey, type CallPlace } from "../../src/tools/call-key.ts";

interface Keyed {
  readonly place: CallPlace;
  readonly call: { readonly name: string; readonly input: unknown };
}

/** Few values of each part, so that two of them are often the same. */
const keyed = (input: Arbitrary<unknown>): Arbitrary<Keyed> =>
  record({
    place: record({
      jobId: constantFrom("job_1", "job_1/1", "job_11"),
      attempt: integer({ min: 1, max: 12 }),
      stepNumber: integer({ min: 1, max: 12 }),
    }),
    call: record({ name: constantFrom("erp_notify", "erp_notify_all"), input }),
  });
const keyOf = ({ place, call }: Keyed): string => callKey(place, call);

/** The same value with the fields of every object in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, part]) => [name, turned(part)]),
  );
}

describe("the key of a tool call", () => {
  test("is the same for the same call, stored and read again, in whatever order its fields stand", () => {
    assert(
      property(keyed(jsonValue()), (one) => {
        const { name, input } = one.call;
        const stored: unknown = JSON.parse(JSON.stringify(input));
        expect(callKey(one.place, { name, input: stored })).toBe(keyOf(one));
        expect(callKey({ ...one.place }, { name, input: turned(stored) })).toBe(keyOf(one));
      }),
    );
  });

  test("is another one for every other call: of the turn, the attempt, the job, the tool or the input", () => {
    const inputs = constantFrom({ a: 1 }, { a: "1" }, { a: [1] }, { a: null }, {}, null, "", [], [["a", 1]], "{}");
    assert(
      property(keyed(inputs), keyed(inputs), (one, other) => {
        const isSame = JSON.stringify([one.place, one.call]) === JSON.stringify([other.place, other.call]);
        expect(keyOf(one) === keyOf(other)).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
    const place = { jobId: "job_1", attempt: 1, stepNumber: 3 };
    const call = { name: "erp_notify", input: {} };
    const keys = [
      place,
      { ...place, stepNumber: 4 },
      { ...place, attempt: 2 },
      { ...place, jobId: "job_2" },
      { ...place, attempt: 13 },
      { jobId: "job_1/1", attempt: 1, stepNumber: 3 },
    ].map((at) => callKey(at, call));
    keys.push(callKey(place, { ...call, name: "erp_notify_all" }), callKey(place, { ...call, input: { to: 1 } }));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("goes into a header, whatever the model puts in", () => {
    assert(
      property(keyed(anything({ withBigInt: false, withNullPrototype: true, maxDepth: 2 })), (one) => {
        expect(keyOf(one)).toMatch(/^[\x21-\x7e]{1,255}$/u);
      }),
    );
  });
});
