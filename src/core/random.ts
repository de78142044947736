/** A number from 0 up to, but not, 1; objects take it as a port, so that a run can be repeated exactly. */
export type Random = () => number;

const range = 2 ** 32;
/** Drawn together: the runtime is asked once for many numbers, each of which is given out once. */
const drawn = new Uint32Array(256);
let left = 0;

/** Chance that nobody can foresee, because ids are made of it. */
export const systemRandom: Random = () => {
  if (left === 0) left = crypto.getRandomValues(drawn).length;
  left -= 1;
  return (drawn[left] ?? 0) / range;
};
