import type { OrganizationEvent } from "../../contracts/events.ts";
import type { Logger } from "../../core/log.ts";
import { narrate } from "./event-narrator.ts";
import type { IssueTable } from "./issue-table.ts";

/** Writes the log lines of events, of those that have one, each under its issue's correlation id. */
export function logEvents(logger: Logger, events: readonly OrganizationEvent[], issues: IssueTable): void {
  const loggers = new Map<string, Logger>();
  for (const event of events) {
    const { issueId } = event;
    const ofIssue = loggers.get(issueId) ?? logger.with({ correlationId: issues.get(issueId).correlationId, issueId });
    loggers.set(issueId, ofIssue);
    logEvent(ofIssue, event);
  }
}

function logEvent(logger: Logger, event: OrganizationEvent): void {
  const narration = narrate(event);
  if (narration === null) return;
  const { seq, jobId, type } = event;
  const fields = { jobId: jobId ?? undefined, seq, ...narration.fields };
  switch (narration.level) {
    case "DEBUG":
    case "INFO":
      return logger.info(type, fields);
    case "WARN":
      return logger.warn(type, fields);
    case "ERROR":
      return logger.error(type, fields);
  }
}
