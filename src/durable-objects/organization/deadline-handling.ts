/** Which part acts on which deadline of an organization. */
import type { IssueRecord } from "../../contracts/records.ts";
import { type Deadline, parseDeadlineName } from "../deadlines.ts";
import { closeEndedSockets, socketDeadline } from "../live/socket-deadline.ts";
import type { Change } from "./change.ts";
import type { DemandReporter } from "./demand-reporter.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { EffectDesk } from "./effect-desk.ts";
import type { EffectSender } from "./effect-sender.ts";
import type { Failures } from "./failures.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import type { LiveSockets } from "./live-sockets.ts";
import type { PeopleDesk } from "./people-desk.ts";
import type { OutcomeReporter } from "./outcome-reporter.ts";
import type { ProjectionFeed } from "./projection-feed.ts";
import { endPutOff } from "./put-off.ts";
import { forgetExpiredAnswers } from "../remembered-answers.ts";
import type { Retention } from "./retention.ts";
import type { ReviewDesk } from "./review-desk.ts";
import type { Settlements } from "./settlements.ts";
import type { SwitchEnforcer } from "./switch-enforcer.ts";

export interface DeadlineParts {
  readonly sql: SqlStorage;
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly dispatcher: Dispatcher;
  readonly failures: Failures;
  readonly settlements: Settlements;
  readonly reviews: ReviewDesk;
  readonly people: PeopleDesk;
  readonly enforcer: SwitchEnforcer;
  readonly effects: EffectDesk;
  readonly effectSender: EffectSender;
  readonly feed: ProjectionFeed;
  readonly retention: Retention;
  readonly reporter: DemandReporter;
  readonly outcomes: OutcomeReporter;
  readonly sockets: LiveSockets;
}

/** Acts on a deadline that is due and has been cleared. Throws on a name that no part has set. */
export function handleDeadline(change: Change, parts: DeadlineParts, deadline: Deadline): void {
  const { kind, subject } = parseDeadlineName(deadline.name);
  switch (kind) {
    case "dispatch":
      return parts.dispatcher.resend(change, subject, deadline);
    case "lease":
      return parts.failures.expireLease(change, subject);
    case "retry":
      return parts.failures.endBackOff(change, subject);
    case "provider":
      return parts.failures.endPatience(change, subject);
    case "settle":
      return parts.settlements.expire(change, subject);
    case "review":
      return parts.reviews.expire(change, subject);
    case "question":
      return parts.people.expire(change, subject);
    case "switches":
    case "clear":
      return parts.enforcer.enforce(change);
    case "effect-send":
      return parts.effectSender.resend(change, subject, deadline);
    case "effect-lease":
      return parts.effects.expireLease(change, subject);
    case "answers":
      return forgetExpiredAnswers(parts.sql, change);
    case "not-before":
      return ifHere(parts.issues, subject, (issue) => endPutOff(change, parts.jobs, issue));
    case "expiry":
      return ifHere(parts.issues, subject, ({ id }) => change.touch(id));
    case socketDeadline:
      return closeEndedSockets(change, parts.sockets);
    case "records":
      return parts.feed.resend(change, deadline);
    case "prune":
      return parts.retention.prune(change);
    case "report":
      return parts.reporter.resend(change, deadline);
    // Nothing but the refresh that follows every change.
    case "budget":
      return;
    case "outcomes":
      return parts.outcomes.resend(change, deadline);
    case "renew":
      return parts.reporter.renew(change);
    default:
      throw new Error(`nothing handles the deadline ${deadline.name}`);
  }
}

function ifHere(issues: IssueTable, issueId: string, act: (issue: IssueRecord) => void): void {
  const issue = issues.find(issueId);
  if (issue !== null) act(issue);
}
