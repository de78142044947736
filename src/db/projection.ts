/** Brings Postgres up to an organization's event log: each event exactly once and in order, under one lock. */
import { organizationEventSchema, type EventCursor, type OrganizationEvent } from "../contracts/events.ts";
import type { EventSource, ProjectionPort } from "../contracts/ports.ts";
import { applyEvent, bodyIdsOf } from "./apply-event.ts";
import { databaseFailure, failureKind, refusalReason } from "./database-failure.ts";
import type { DatabaseSettings } from "./neon-driver.ts";
import { inTenant, withPrisma, type TenantTransaction } from "./prisma-client.ts";
import { lockCursor, moveCursor } from "./projection-cursor.ts";
import { storableText } from "./records-to-rows.ts";
import { countRefusal, planPage, type PagePlan, type Refusal } from "./refusals.ts";

const pageEvents = 100;

/** Ends a page at an event that Postgres refused; everything before it in the page is rolled back with it. */
class RefusedEvent extends Error {
  override readonly name = "RefusedEvent";
  readonly refusal: Omit<Refusal, "times">;

  constructor(refusal: Omit<Refusal, "times">, options: ErrorOptions) {
    super(`Postgres refused event ${refusal.seq}`, options);
    this.refusal = refusal;
  }
}

/** Carries a failure of the source through the transaction, so that it is not taken for one of Postgres. */
class SourceFailure extends Error {
  override readonly name = "SourceFailure";
}

interface ProjectedPage {
  readonly cursor: EventCursor;
  readonly isLast: boolean;
}

/**
 * `project` may run any number of times at once: the lock lets one go on, and the others find nothing left. It throws
 * `AgentError` `unavailable` when Postgres cannot be reached, `not_found` when the ERP has no such organization, and
 * whatever the source throws. What was committed before stays.
 */
export function createProjection(settings: DatabaseSettings): ProjectionPort {
  return {
    project: async (organizationId, source) => {
      const guarded = guardedSource(source);
      try {
        return await withPrisma(settings, async (prisma) => {
          let refusal: Refusal | null = null;
          for (;;) {
            const known: Refusal | null = refusal;
            try {
              const page = await inTenant(prisma, organizationId, async (transaction) =>
                projectPage(transaction, organizationId, guarded, known),
              );
              if (page.isLast) return page.cursor;
            } catch (error) {
              if (!(error instanceof RefusedEvent)) throw error;
              refusal = countRefusal(known, error.refusal);
            }
          }
        });
      } catch (error) {
        throw error instanceof SourceFailure ? error.cause : databaseFailure(error);
      }
    },
  };
}

async function projectPage(
  transaction: TenantTransaction,
  organizationId: string,
  source: EventSource,
  refusal: Refusal | null,
): Promise<ProjectedPage> {
  const stored = await lockCursor(transaction, organizationId);
  const { incarnation, lastSeq, events } = await source.events(stored, pageEvents);
  const start = stored?.incarnation === incarnation ? stored : { incarnation, seq: 0 };
  const plan = planPage(refusal, start);
  const page = events.filter((event) => event.seq <= (plan.throughSeq ?? event.seq));
  assertContinues(page, start);

  const bodies = await source.bodies(page.flatMap((event) => bodyIdsOf(event)));
  for (const event of page) await projectEvent(transaction, { organizationId, incarnation }, event, { bodies, plan });
  const cursor = { incarnation, seq: page.at(-1)?.seq ?? start.seq };
  await moveCursor(transaction, organizationId, cursor);
  return { cursor, isLast: cursor.seq >= lastSeq };
}

async function projectEvent(
  transaction: TenantTransaction,
  { organizationId, incarnation }: { readonly organizationId: string; readonly incarnation: string },
  event: OrganizationEvent,
  { bodies, plan }: { readonly bodies: Readonly<Record<string, string>>; readonly plan: PagePlan },
): Promise<void> {
  const { seq, type } = event;
  if (plan.park?.seq === seq) {
    const { reason } = plan.park;
    const text = JSON.stringify(event);
    await transaction.agentParkedEvent.create({
      data: { organizationId, incarnation, seq, type, event: text, reason, parkedAt: new Date() },
    });
    return;
  }
  try {
    await applyEvent(transaction, organizationId, storable(event), bodies);
  } catch (error) {
    if (failureKind(error) !== "refused") throw error;
    throw new RefusedEvent({ incarnation, seq, reason: refusalReason(error) }, { cause: error });
  }
}

/** The log has no gaps; a page that skips events would lose them for good. */
function assertContinues(page: readonly OrganizationEvent[], { seq }: EventCursor): void {
  for (const [index, event] of page.entries()) {
    const expected = seq + index + 1;
    if (event.seq !== expected) throw new SourceFailure("gap", { cause: new Error(`event ${expected} is missing`) });
  }
}

/** The event with texts that Postgres can hold. */
function storable(event: OrganizationEvent): OrganizationEvent {
  const text = JSON.stringify(event);
  return organizationEventSchema.parse(
    JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? storableText(value) : value)),
  );
}

function guardedSource(source: EventSource): EventSource {
  const guard = async <Result>(answer: Promise<Result>): Promise<Result> => {
    try {
      return await answer;
    } catch (error) {
      throw new SourceFailure("the event source failed", { cause: error });
    }
  };
  return {
    events: async (after, limit) => guard(source.events(after, limit)),
    bodies: async (bodyIds) => (bodyIds.length === 0 ? {} : guard(source.bodies(bodyIds))),
  };
}
