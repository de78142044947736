/** What follows from every change of an organization, in the order in which it follows. */
import type { Logger } from "../../core/log.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { ChangeHooks } from "./change.ts";
import type { ControlDesk } from "./control-desk.ts";
import type { DemandReporter } from "./demand-reporter.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { logEvents } from "./event-logging.ts";
import { endExpired } from "./expiry.ts";
import { refreshIssue } from "./issue-status.ts";
import type { LiveSockets } from "./live-sockets.ts";
import type { OrganizationTables } from "./organization-tables.ts";
import type { OutcomeReporter } from "./outcome-reporter.ts";
import type { ProjectionFeed } from "./projection-feed.ts";
import type { SwitchEnforcer } from "./switch-enforcer.ts";
import type { Waiting } from "./waiting.ts";

export interface FollowingParts {
  readonly tables: OrganizationTables;
  readonly enforcer: SwitchEnforcer;
  readonly dispatcher: Dispatcher;
  readonly budget: BudgetDesk;
  readonly waiting: Waiting;
  readonly reporter: DemandReporter;
  readonly outcomes: OutcomeReporter;
  readonly feed: ProjectionFeed;
  readonly sockets: LiveSockets;
  readonly control: ControlDesk;
  readonly logger: Logger;
}

export function createChangeHooks(parts: FollowingParts): ChangeHooks {
  const { outcomes, tables, enforcer, dispatcher, budget, waiting, reporter, feed, sockets, control, logger } = parts;
  const { log, issues, jobs, attempts, workspaces, artifacts, keys, deadLetters, decisions } = tables;
  const statusParts = { issues, jobs, reviews: tables.reviewTable, effects: tables.effectTable, log };
  return {
    enforce: (change) => enforcer.enforceNews(change),
    settle: (change, events, touchedIds) => {
      keys.follow(events);
      for (const issueId of new Set([...events.map((event) => event.issueId), ...touchedIds])) {
        const issue = refreshIssue(change, statusParts, issueId);
        const hasExpired = endExpired(change, { jobs, attempts, workspaces, artifacts, dispatcher }, issue);
        keys.releaseEnded(hasExpired ? refreshIssue(change, statusParts, issueId) : issue);
      }
      outcomes.settle(change, events);
      budget.refresh(change);
      waiting.settle(change, events, [...touchedIds, ...enforcer.takeConcerned()]);
      reporter.refresh(change);
      feed.refresh(change);
    },
    follow: (events) => {
      deadLetters.follow(events);
      decisions.follow(events);
    },
    publish: (events) => {
      if (events.length > 0) sockets.resume();
      control.notify(new Set(events.flatMap(({ jobId }) => jobId ?? [])));
      logEvents(logger, events, issues);
    },
  };
}
