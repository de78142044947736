/**
 * Seeds that once failed, each with what it found. They run before all others, and are never taken out. Because a seed
 * means another run once scenarios change, the fault itself stands in `found-faults.test.ts` too.
 */
export const regressionSeeds: readonly number[] = [
  // A copy of a slot's grant came after the slot was given back, and started a job that nobody counted.
  190,
  // A machine whose clock was behind refused a slot to a job "of the future", and nothing asked for one again.
  830,
  // A copy of a request for money, for a call that was over, gave away what was set aside for the next call.
  3120,
  // Two messages of one millisecond, or across a clock that ran back, were heard in another order than they were said in.
  751,
  // What was done after a replay, for a reviewer or again, passed for the replay itself: told of its first steps, and of those alone.
  183,
  // A copy of the checkpoint with which messages were heard came after the next one, and they were heard once more.
  15807,
];
