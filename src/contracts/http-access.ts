/** What the routes for sessions, tickets and the audit take and answer. */
import { z } from "zod";
import { idPattern } from "../core/ids.ts";
import { auditActions } from "./audit.ts";
import { organizationViewSchema } from "./http-views.ts";
import { switchViewSchema } from "./http-switches.ts";
import { issueCommands, reviewStatusSchema } from "./status.ts";
import { switchActorSchema, switchScopeSchema } from "./switches.ts";

const time = z.iso.datetime();

export const openSessionRequestSchema = z.strictObject({
  /** A platform administrator's token. */
  token: z.string().min(1).max(8_192),
});

/** Who is signed in; `expiresAt` is null for a caller who sends his token with every request. */
export const sessionViewSchema = z.object({ name: z.string(), expiresAt: time.nullable() });

export const sessionListSchema = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), openedAt: time, expiresAt: time })),
});

/** A ticket grants what its caller may watch, or one issue of that. */
export const liveTicketRequestSchema = z.strictObject({ issueId: z.string().regex(idPattern("issue")).optional() });

/** A ticket opens one socket: `GET /live?ticket=…`. */
export const liveTicketSchema = z.object({ ticket: z.string(), expiresAt: time });

export const auditQuerySchema = z.strictObject({
  /** `nextCursor` of the page before. */
  cursor: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const settingsViewSchema = organizationViewSchema.pick({
  tier: true,
  slug: true,
  repository: true,
  limitOverrides: true,
});

/** One entry: what is null does not belong to its action. */
const auditEntrySchema = z.object({
  number: z.int(),
  at: time,
  action: z.enum([...auditActions, "issue.commanded", "review.decided"]),
  scope: switchScopeSchema,
  /** A decision knows a person by name alone; null is what ended by itself. */
  actor: z.object({ kind: z.enum([...switchActorSchema.shape.kind.options, "person"]), name: z.string() }).nullable(),
  reason: z.string().nullable(),
  /** The switch that was set or ended. */
  subject: switchViewSchema.nullable(),
  settings: z.object({ now: settingsViewSchema, before: settingsViewSchema.nullable() }).nullable(),
  sessionId: z.string().nullable(),
  decision: z
    .object({
      /** The command, or the status that the review has since. */
      outcome: z.enum([...issueCommands, ...reviewStatusSchema.options]),
      issueId: z.string(),
      reviewId: z.string().nullable(),
    })
    .nullable(),
});

export const auditListSchema = z.object({ items: z.array(auditEntrySchema), nextCursor: z.string().nullable() });
