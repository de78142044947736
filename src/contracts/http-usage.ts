/** What `GET /usage` takes and answers. Money is integer micro-dollars. */
import { z } from "zod";
import { usageDimensions, type UsageDimension } from "./usage.ts";

const maxRangeDays = 400;
const dayMs = 24 * 60 * 60 * 1_000;

const dimensionSchema = z.enum(usageDimensions);
const time = z.iso.datetime({ offset: true });

const groupBySchema = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(dimensionSchema).min(1))
  .refine((dimensions) => new Set(dimensions).size === dimensions.length, { error: "names a dimension twice" });

export const usageQuerySchema = z.strictObject({
  /** A comma-separated list of `day`, `organization`, `module`, `agent`, `model`, `job` and `step`. */
  groupBy: groupBySchema.prefault("day"),
  /** From then on, and before then; the last 30 days when left out. */
  since: time.optional(),
  until: time.optional(),
  /** `nextCursor` of the page before, with the same query. */
  cursor: z.string().max(2_000).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(100),
});

/** What is wrong with a range of time, by field; null when nothing is. */
export function rangeProblem(
  sinceMs: number,
  untilMs: number,
): { readonly field: string; readonly message: string } | null {
  if (untilMs <= sinceMs) return { field: "until", message: "lies before `since`" };
  if (untilMs - sinceMs <= maxRangeDays * dayMs) return null;
  return { field: "since", message: `lies more than ${maxRangeDays} days before \`until\`` };
}

/** Ids, names and days hold nothing else, and no `~`. */
const keySchema = z.string().regex(/^[\w./-]{1,200}$/u);

/** A cursor is the keys of the last row. Null for a text that is none of a list by these dimensions. */
export function decodeUsageCursor(cursor: string, groupBy: readonly UsageDimension[]): readonly string[] | null {
  const keys = z.array(keySchema).length(groupBy.length).safeParse(cursor.split("~"));
  return keys.success ? keys.data : null;
}

export function encodeUsageCursor(keys: readonly string[]): string {
  return keys.join("~");
}

const usageItemSchema = z.object({
  /** A UTC day; each of the first seven is there when it was asked for. */
  day: z.iso.date().optional(),
  organizationId: z.string().optional(),
  module: z.string().optional(),
  agentType: z.string().optional(),
  model: z.string().optional(),
  jobId: z.string().optional(),
  step: z.object({ jobId: z.string(), attempt: z.int(), number: z.int() }).optional(),
  calls: z.int(),
  /** Calls without an answer, among them, and the part of the cost that was estimated for them. */
  estimatedCalls: z.int(),
  inputTokens: z.int(),
  cacheWriteTokens: z.int(),
  cacheReadTokens: z.int(),
  outputTokens: z.int(),
  /** Cache reads among all tokens of the prompts; null when there were none. */
  cacheShare: z.number().nullable(),
  costMicroUsd: z.int(),
  estimatedMicroUsd: z.int(),
});

export const usageListSchema = z.object({
  items: z.array(usageItemSchema),
  nextCursor: z.string().nullable(),
  /** Up to when PostgreSQL knows of what has happened; null when it knows of nothing. */
  asOf: z.iso.datetime().nullable(),
});
