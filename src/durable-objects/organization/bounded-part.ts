/** Gathers what the object answers for in a list, newest first, until the answer is large enough. */
import type { ListPosition } from "../../contracts/issue-filter.ts";
import type { IssuePart, UnprojectedPart } from "../../contracts/organization-rpc.ts";

export interface PartBounds {
  /** Items that are looked at. */
  readonly items: number;
  /** Length of their texts; far below the largest RPC answer. */
  readonly characters: number;
}

export const partBounds: PartBounds = { items: 1_000, characters: 4_000_000 };

/** The first items of a list, at most `limit` and so many that their texts stay bounded, but one at least. */
export function boundedItems<Row, Item>(
  rows: Iterable<Row>,
  limit: number,
  read: (row: Row) => readonly [item: Item, characters: number],
): IssuePart<Item> {
  const items: Item[] = [];
  let characters = 0;
  for (const row of rows) {
    if (items.length >= limit || characters >= partBounds.characters) return { items, more: true };
    const [item, length] = read(row);
    items.push(item);
    characters += length;
  }
  return { items, more: false };
}

/** `matching` is listed; `replaced` is not, though Postgres might; `ignored` is listed by neither. */
type Fate = "matching" | "replaced" | "ignored";

export class BoundedPart<Item> {
  readonly #limit: number;
  readonly #bounds: PartBounds;
  readonly #matching: Item[] = [];
  readonly #replacedIds: string[] = [];
  #last: ListPosition | null = null;
  #lookedAt = 0;
  #characters = 0;

  constructor(limit: number, bounds: PartBounds) {
    this.#limit = limit;
    this.#bounds = bounds;
  }

  /** Whether the part must end here. */
  isFull(): boolean {
    const { items, characters } = this.#bounds;
    return this.#matching.length >= this.#limit || this.#lookedAt >= items || this.#characters >= characters;
  }

  /** Takes the next item of the list; `characters` is how long its text was to read. */
  add(item: Item, position: ListPosition, fate: Fate, characters: number): void {
    this.#last = position;
    this.#lookedAt += 1;
    this.#characters += characters;
    if (fate === "ignored") return;
    this.#replacedIds.push(position.id);
    if (fate === "matching") this.#matching.push(item);
  }

  /** The part, when more follows it. */
  soFar(): UnprojectedPart<Item> {
    return { matching: this.#matching, replacedIds: this.#replacedIds, through: this.#last };
  }

  /** The part, when nothing follows it. */
  toTheEnd(): UnprojectedPart<Item> {
    return { ...this.soFar(), through: null };
  }
}
