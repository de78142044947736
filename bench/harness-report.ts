/** What a benchmark found: figures that are told, and ratios that must hold. */
import pc from "picocolors";

interface Row {
  readonly label: string;
  readonly value: string;
}

export interface Gate {
  readonly label: string;
  readonly ratio: number;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
}

export interface Report {
  readonly rows: readonly Row[];
  readonly gates: readonly Gate[];
}

/** Medians of a handful of rounds on a shared machine still differ by a few percent from run to run. */
const noiseMargin = 0.05;

/** Whether the ratio keeps its bound, give or take the margin for noise. */
export function holds({ ratio, bound }: Gate): boolean {
  return "atLeast" in bound ? ratio >= bound.atLeast * (1 - noiseMargin) : ratio <= bound.atMost * (1 + noiseMargin);
}

function boundText({ bound }: Gate): string {
  return "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}

/** The report as a small table, one line a figure and one a gate. */
export function reportText(name: string, { rows, gates }: Report): string {
  const width = Math.max(...[...rows, ...gates].map(({ label }) => label.length)) + 2;
  return [
    pc.bold(name),
    ...rows.map(({ label, value }) => `  ${label.padEnd(width)}${value}`),
    ...gates.map((gate) => {
      const mark = holds(gate) ? pc.green("✓") : pc.red("✗");
      return `${mark} ${gate.label.padEnd(width)}${gate.ratio.toFixed(2)}  (${boundText(gate)})`;
    }),
  ].join("\n");
}
