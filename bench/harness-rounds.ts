/** Interleaves what is measured with its floors, so that noise of the machine meets all of them alike. */

/** Names what one round measures, and how: each resolves to a figure. */
export type Contestants<Name extends string> = Readonly<Record<Name, () => Promise<number>>>;

/** The middle one, or the mean of the two in the middle. Throws when there are none. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("nothing was measured");
  return (upper + lower) / 2;
}

/** Mean of the middle half: finer than the median where the clock is coarse. Throws when there are none. */
export function midMean(figures: readonly number[]): number {
  const sorted = [...figures].sort((left, right) => left - right);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  if (middle.length === 0) throw new Error("nothing was measured");
  return middle.reduce((sum, figure) => sum + figure, 0) / middle.length;
}

/** Runs every contestant once a round, one after the other; each round begins with the next of them. */
export async function runRounds<Name extends string>(
  rounds: number,
  contestants: Contestants<Name>,
): Promise<(name: Name) => readonly number[]> {
  const turns = Object.values<() => Promise<number>>(contestants);
  const figures = new Map<() => Promise<number>, number[]>(turns.map((measure) => [measure, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < turns.length; turn += 1) {
      const measure = turns[(round + turn) % turns.length];
      if (measure !== undefined) figures.get(measure)?.push(await measure());
    }
  }
  return (name) => figures.get(contestants[name]) ?? [];
}

/** Median of the rounds' own ratios: both figures of a ratio were taken under the same conditions. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((numerator, round) => numerator / (denominators[round] ?? Number.NaN)));
}
