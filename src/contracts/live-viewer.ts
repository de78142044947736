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
  /** Who watches; the sockets of one person are limited. */
  person: z.string().min(1),
  /** When the credential ends, or must be shown again; the socket closes then. */
  closesAtMs: z.int(),
  /** The ticket that it is opened with, which is used up by it; null for another credential. */
  ticket: z.object({ id: z.string().min(1), expiresAtMs: z.int() }).nullable(),
  /** Replays what follows this number; null follows from now on. */
  after: z.int().min(0).nullable(),
  /** Of which incarnation of the log `after` is a number; null takes it for one of the present. */
  incarnation: z.string().nullable(),
  /** Only this issue's events; null for all that the viewer may see. */
  issueId: z.string().nullable(),
});
export type LiveViewer = z.infer<typeof liveViewerSchema>;

/** An operator's own stream: he sees the whole platform, and nothing of a tenant's content. */
export const platformViewerSchema = z.object({
  /** Who watches; the sockets of one person are limited. */
  person: z.string().min(1),
  /** When the credential ends, or must be shown again; the socket closes then. */
  closesAtMs: z.int(),
  after: z.int().min(0).nullable(),
  /** Of which incarnation of the log `after` is a number; null takes it for one of the present. */
  incarnation: z.string().nullable(),
});
export type PlatformViewer = z.infer<typeof platformViewerSchema>;
