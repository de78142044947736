/** `NW-2026-0042`: the client's code, the year, and the brief's number in that year. */
export function formatBriefNumber(clientCode: string, year: number, sequence: number): string {
  return `${clientCode.toUpperCase()}-${year}-${String(sequence).padStart(4, "0")}`;
}

const pattern = /^([A-Z0-9]{2,6})-(\d{4})-(\d{4,})$/;

/** The parts of a brief number, or null for any other text. */
export function parseBriefNumber(text: string): { clientCode: string; year: number; sequence: number } | null {
  const [, clientCode, year, sequence] = pattern.exec(text) ?? [];
  if (clientCode === undefined) return null;
  return { clientCode, year: Number(year), sequence: Number(sequence) };
}
