/** What lists take in their query: filters, of which most take several values, and the place where a page begins. */
import { z } from "zod";
import { searchWords } from "../core/search-words.ts";
import { limitSchema, organizationIdSchema, timeSchema } from "./http.ts";
import type { IssueFilter } from "./issue-filter.ts";
import {
  issuePrioritySchema,
  issueSourceSchema,
  issueStatusSchema,
  issueTypeSchema,
  logLevelSchema,
  reviewStatusSchema,
} from "./status.ts";

const maxValues = 50;

/** Values as they came: one parameter or several of the same name, and within one, unless commas may be part of a value, a list. */
function valuesIn(given: unknown, separator: string | null): unknown[] {
  const parameters: unknown[] = Array.isArray(given) ? given : [given];
  return parameters.flatMap((value) =>
    separator === null || typeof value !== "string" ? [value] : value.split(separator),
  );
}

function severalOf<Schema extends z.ZodType>(value: Schema, separator: string | null = ",") {
  return z.preprocess((given) => valuesIn(given, separator), z.array(value).min(1).max(maxValues));
}

const agentWord = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9._-]+$/u);
const userIdSchema = z.string().regex(/^[\x21-\x7e]{1,100}$/u);
/** Postgres knows no NUL and no half of a surrogate pair. */
const storedText = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.includes("\0") && text.isWellFormed(), { error: "must be well-formed text" });

const cursorSchema = z.string().max(100);

export const listIssuesQuerySchema = z.strictObject({
  status: severalOf(issueStatusSchema).optional(),
  type: severalOf(issueTypeSchema).optional(),
  priority: severalOf(issuePrioritySchema).optional(),
  source: severalOf(issueSourceSchema).optional(),
  /** As triage found, else that of the agent that was asked for. */
  module: severalOf(agentWord.toLowerCase()).optional(),
  /** The agent that was asked for, else the one that triage named. */
  agentType: severalOf(agentWord).optional(),
  createdById: severalOf(userIdSchema).optional(),
  /** Repeat the parameter for several: a comma may be part of an id. */
  externalId: severalOf(storedText, null).optional(),
  /** Each of its words begins a word of title, description or external id. */
  text: z
    .string()
    .max(200)
    .refine((text) => searchWords(text).length > 0, { error: "must hold a letter or a digit" })
    .optional(),
  /** Submitted then or later. */
  since: timeSchema.optional(),
  /** Submitted before then. */
  until: timeSchema.optional(),
  /** `nextCursor` of the page before. */
  cursor: cursorSchema.optional(),
  limit: limitSchema.default(20),
});
type IssueListQuery = Omit<z.infer<typeof listIssuesQuerySchema>, "cursor" | "limit">;

export function issueFilterOf({ since, until, ...filter }: IssueListQuery): IssueFilter {
  return { ...filter, sinceMs: timeOf(since), untilMs: timeOf(until) };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

export const listReviewsQuerySchema = z.strictObject({
  status: severalOf(reviewStatusSchema).optional(),
  cursor: cursorSchema.optional(),
  limit: limitSchema.default(20),
});

/** What jobs logged, over all organizations or one. */
export const listPlatformLogsQuerySchema = z.strictObject({
  organizationId: organizationIdSchema.optional(),
  level: severalOf(logLevelSchema).optional(),
  /** Logged then or later. */
  since: timeSchema.optional(),
  /** Logged before then. */
  until: timeSchema.optional(),
  cursor: cursorSchema.optional(),
  limit: limitSchema.default(100),
});

/** Steps, logs and artifacts of an issue. */
export const listPartQuerySchema = z.strictObject({
  cursor: cursorSchema.optional(),
  /** A page may hold fewer: large items come in smaller pages. */
  limit: limitSchema.default(100),
});
