/** What the launcher and the Worker's own process say to each other. */
import { z } from "zod";

export const workerOrderSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("start"),
    configFile: z.string(),
    /** Another entry than the configuration's, for tests; null for the real one. */
    entryFile: z.string().nullable(),
    port: z.int(),
    /** Where objects are kept. */
    storageDirectory: z.string(),
    /** Settings and secrets; they travel here so that they stand in no file and no process list. */
    settings: z.record(z.string(), z.string()),
  }),
  z.object({ kind: z.literal("stop") }),
]);
export type WorkerOrder = z.infer<typeof workerOrderSchema>;

export const workerReportSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), url: z.url() }),
  z.object({ kind: z.literal("failed"), message: z.string() }),
  z.object({ kind: z.literal("log"), level: z.string(), message: z.string() }),
]);
export type WorkerReport = z.infer<typeof workerReportSchema>;
