import type { OrganizationEvent } from "../../contracts/events.ts";
import type { Logger } from "../../core/log.ts";
import { narrate } from "./event-narrator.ts";
import type { IssueTable } from "./issue-table.ts";

/** Writes the log lines of events, of those that have one, each under its issue's correlation id. */
export function logEvents(logger: Logger, events: readonly OrganizationEvent[], issues: IssueTable): void {
  const correlationIds = new Map<string, string>();
  for (const event of events) {
    const { issueId } = event;
    const correlationId = correlationIds.get(issueId) ?? issues.get(issueId).correlationId;
    correlationIds.set(issueId, correlationId);
    logEvent(logger.with({ correlationId, issueId }), event);
  }
}

function logEvent(logger: Logger, event: OrganizationEvent): void {
  const narration = narrate(event);
  if (narration === null) return;
  const { seq, jobId, type } = event;
  const line = logger.with({ jobId: jobId ?? undefined, seq });
  switch (narration.level) {
    case "DEBUG":
    case "INFO":
      return line.info(type, narration.fields);
    case "WARN":
      return line.warn(type, narration.fields);
    case "ERROR":
      return line.error(type, narration.fields);
  }
}
