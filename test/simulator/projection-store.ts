/** Stands for Postgres: rows and cursor are written in one transaction, whose answer may be lost. */
import type { EventCursor, OrganizationEvent } from "../../src/contracts/events.ts";
import type { ProjectionPort } from "../../src/contracts/ports.ts";
import type { Faults } from "./faults.ts";

interface Projected {
  cursor: EventCursor | null;
  readonly events: OrganizationEvent[];
}

export class ProjectionStore implements ProjectionPort {
  readonly #faults: Faults;
  readonly #projected = new Map<string, Projected>();
  /** The lock on each organization's cursor row: the end of whoever waits last. */
  readonly #locks = new Map<string, Promise<unknown>>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** Every event in the order in which it was projected, once for each time. */
  eventsOf(organizationId: string): readonly OrganizationEvent[] {
    return this.#projected.get(organizationId)?.events ?? [];
  }

  async project(organizationId: string, source: Parameters<ProjectionPort["project"]>[1]): Promise<EventCursor> {
    for (;;) {
      const before = this.#locks.get(organizationId) ?? Promise.resolve();
      const page = before.then(() => this.#projectPage(organizationId, source));
      this.#locks.set(
        organizationId,
        page.catch(() => undefined),
      );
      const { cursor, isLast } = await page;
      if (isLast) return cursor;
    }
  }

  async #projectPage(
    organizationId: string,
    source: Parameters<ProjectionPort["project"]>[1],
  ): Promise<{ readonly cursor: EventCursor; readonly isLast: boolean }> {
    const rows: Projected = this.#projected.get(organizationId) ?? { cursor: null, events: [] };
    const { incarnation, lastSeq, events } = await source.events(rows.cursor, 20);
    const timesOut = this.#faults.happens("storeTimesOut");
    if (timesOut && this.#faults.happens("storeTimesOut")) throw new Error("Postgres rolled back");
    const start = rows.cursor?.incarnation === incarnation ? rows.cursor.seq : 0;
    const cursor = { incarnation, seq: events.at(-1)?.seq ?? start };
    rows.cursor = cursor;
    rows.events.push(...events);
    this.#projected.set(organizationId, rows);
    if (timesOut) throw new Error("Postgres timed out after it had written");
    return { cursor, isLast: cursor.seq >= lastSeq };
  }
}
