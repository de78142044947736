/** Whom an organization tells what happens: those who watch, the slices that wait, and Postgres, which then keeps it. */
import { ControlDesk } from "./control-desk.ts";
import { signalFor } from "./job-state.ts";
import { LiveFeed } from "./live-feed.ts";
import { LiveSockets } from "./live-sockets.ts";
import type { OrganizationOptions } from "./organization-options.ts";
import type { OrganizationTables } from "./organization-tables.ts";
import { ProjectionFeed } from "./projection-feed.ts";
import { Retention } from "./retention.ts";

export function createOutlets(options: OrganizationOptions, tables: OrganizationTables) {
  const { context, organizationId, ports, timings } = options;
  const { memory, log, issues, jobs, archive } = tables;
  const { clock, setTimer, logger } = ports;
  const sockets = new LiveSockets({
    context,
    feed: new LiveFeed({ log, issues, jobs }),
    log,
    clock,
    settings: options.live,
    setTimer,
    logger,
  });
  const control = new ControlDesk((jobId, epoch) => signalFor(jobs.find(jobId), epoch));
  const { sql } = context.storage;
  const retention = new Retention({ sql, log, archive, keepProjectedMs: options.keepProjectedMs });
  const feed = new ProjectionFeed({
    memory,
    log,
    organizationId,
    timings,
    send: options.sendRecords,
    onProjected: (transaction, seq) => retention.noteProjected(transaction, seq),
  });
  return { sockets, control, retention, feed };
}
