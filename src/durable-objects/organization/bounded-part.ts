/** Gathers what the object answers for in a list, newest first, until the answer is large enough. */
import type { ListPosition } from "../../contracts/issue-filter.ts";
import type { UnprojectedPart } from "../../contracts/organization-rpc.ts";

export interface PartBounds {
  /** Items that are looked at. */
  readonly items: number;
  /** Length of their texts; far below the largest RPC answer. */
  readonly characters: number;
}

export const partBounds: PartBounds = { items: 1_000, characters: 4_000_000 };

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
