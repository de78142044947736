/** Versioned queue messages: ids only, never payloads or secrets. A message is a hint; the object is the truth. */
import { z } from "zod";

export const jobMessageSchema = z.object({
  v: z.literal(1),
  organizationId: z.string().min(1),
  jobId: z.string().min(1),
  dispatchId: z.string().min(1),
  correlationId: z.string().min(1),
});
export type JobMessage = z.infer<typeof jobMessageSchema>;

export const recordsMessageSchema = z.object({ v: z.literal(1), organizationId: z.string().min(1) });
export type RecordsMessage = z.infer<typeof recordsMessageSchema>;

export const effectMessageSchema = z.object({
  v: z.literal(1),
  organizationId: z.string().min(1),
  effectId: z.string().min(1),
  correlationId: z.string().min(1),
});
export type EffectMessage = z.infer<typeof effectMessageSchema>;
