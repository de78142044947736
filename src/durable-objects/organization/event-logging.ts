import type { OrganizationEvent } from "../../contracts/events.ts";
import type { Logger } from "../../core/log.ts";
import { narrate } from "./event-narrator.ts";
import type { IssueTable } from "./issue-table.ts";

/** Writes the log line of an event, if it has one, under its issue's correlation id. */
export function logEvent(logger: Logger, event: OrganizationEvent, issues: IssueTable): void {
  const narration = narrate(event);
  if (narration === null) return;
  const { seq, issueId, jobId, type } = event;
  const correlationId = issues.get(issueId).correlationId;
  const line = logger.with({ correlationId, issueId, jobId: jobId ?? undefined, seq });
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
