/** The header by which the edge tells an organization's object who opens a live socket, and what he may see. */
import { z } from "zod";

/** Internal: the edge strips any copy that a client sends. */
export const liveViewerHeader = "x-live-viewer";

export const liveViewerSchema = z.object({
  organizationId: z.string().min(1),
  visibility: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("all") }),
    z.object({ kind: z.literal("own"), userIds: z.array(z.string()) }),
  ]),
  /** Replays what follows this number; null follows from now on. */
  after: z.int().min(0).nullable(),
  /** Only this issue's events; null for all that the viewer may see. */
  issueId: z.string().nullable(),
});
export type LiveViewer = z.infer<typeof liveViewerSchema>;
