/** What the operators' routes for switches take and answer. */
import { z } from "zod";
import { organizationIdSchema } from "./http.ts";
import { adminActions } from "./platform-rpc.ts";
import { switchModeSchema, switchSchema, switchScopeSchema } from "./switches.ts";

const time = z.iso.datetime();
const reasonSchema = z.string().trim().min(1).max(500);

export const adminRequestSchema = z.strictObject({
  action: z.enum(adminActions),
  /** The organization may be left out: it is the caller's own then, or the one that he acts for. */
  scope: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("platform") }),
    z.strictObject({ kind: z.literal("organization"), value: organizationIdSchema.optional() }),
  ]),
  reason: reasonSchema,
});

export const setSwitchRequestSchema = z.strictObject({
  scope: switchScopeSchema,
  mode: switchModeSchema,
  reason: reasonSchema,
  expiresAt: time.nullable().default(null),
});

export const removeSwitchQuerySchema = z.strictObject({ reason: reasonSchema });

export const platformLiveQuerySchema = z.strictObject({
  /** Number of the last event seen: everything after it is replayed first. Without it the stream begins with a snapshot. */
  after: z.coerce.number().int().min(0).optional(),
  incarnation: z.string().max(64).optional(),
});

export const switchViewSchema = switchSchema
  .omit({ createdAtMs: true, expiresAtMs: true })
  .extend({ createdAt: time, expiresAt: time.nullable() })
  .meta({ id: "Switch" });

export const switchListSchema = z.object({ items: z.array(switchViewSchema) });

export const adminResponseSchema = z.object({
  action: z.enum(adminActions),
  scope: switchScopeSchema,
  /** The switches that now stand for exactly this scope. */
  switches: z.array(switchViewSchema),
});
