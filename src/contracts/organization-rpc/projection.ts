/** Copying the event log to Postgres: called by the records consumer. */
import type { EventCursor, OrganizationEvent } from "../events.ts";
import type { Addressed } from "./outcome.ts";

export interface EventsQuery extends Addressed {
  readonly after: EventCursor | null;
  readonly limit: number;
}

export interface EventPage {
  readonly incarnation: string;
  readonly lastSeq: number;
  readonly events: readonly OrganizationEvent[];
}

export interface BodiesQuery extends Addressed {
  readonly bodyIds: readonly string[];
}

export interface ProjectionCalls {
  readEvents(query: EventsQuery): Promise<EventPage>;
  readBodies(query: BodiesQuery): Promise<Readonly<Record<string, string>>>;
  /** Tells how far Postgres has got. */
  confirmProjected(cursor: Addressed & EventCursor): Promise<void>;
}
