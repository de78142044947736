/** A number from 0 up to, but not, 1; objects take it as a port, so that a run can be repeated exactly. */
export type Random = () => number;

const range = 2 ** 32;

/** Chance that nobody can foresee, because ids are made of it. */
export const systemRandom: Random = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / range;
