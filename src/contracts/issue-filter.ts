/** What a list of issues may be narrowed by, and what each filter means. */
import { holdsWords, searchWords } from "../core/search-words.ts";
import type { Visibility } from "./caller.ts";
import type { IssueRecord } from "./records.ts";
import type { IssuePriority, IssueSource, IssueStatus, IssueType } from "./status.ts";

/** Position in a list that is ordered newest first by the immutable `(createdAtMs, id)`. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly id: string;
}

/** Any of the values of each filter that is given. */
export interface IssueFilter {
  readonly status?: readonly IssueStatus[] | undefined;
  readonly type?: readonly IssueType[] | undefined;
  readonly priority?: readonly IssuePriority[] | undefined;
  readonly source?: readonly IssueSource[] | undefined;
  readonly module?: readonly string[] | undefined;
  readonly agentType?: readonly string[] | undefined;
  readonly createdById?: readonly string[] | undefined;
  readonly externalId?: readonly string[] | undefined;
  /** Each of its words begins a word of title, description or external id. */
  readonly text?: string | undefined;
  /** Submitted then or later. */
  readonly sinceMs?: number | undefined;
  /** Submitted before then. */
  readonly untilMs?: number | undefined;
}

/** Whether a viewer may know of the issues that this user submitted; null is an issue that no user did. */
export function canSeeIssuesOf(visibility: Visibility, createdById: string | null): boolean {
  if (visibility.kind === "all") return true;
  return createdById !== null && visibility.userIds.includes(createdById);
}

type Assigned = Pick<IssueRecord, "requestedAgentType" | "triage">;

/** The agent for an issue: the one that was asked for, else the one that triage named. */
export function agentTypeOf({ requestedAgentType, triage }: Assigned): string | null {
  return requestedAgentType ?? triage?.agent ?? null;
}

/** The module that an issue concerns: as triage found, else that of the agent that was asked for. */
export function moduleOf({ requestedAgentType, triage }: Assigned): string | null {
  const module = triage?.module ?? requestedAgentType?.split(".")[0];
  return module?.toLowerCase() ?? null;
}

/** The words that an issue is found by. */
export function issueWords(issue: Pick<IssueRecord, "title" | "description" | "externalId">): readonly string[] {
  return searchWords([issue.title, issue.externalId ?? "", issue.description].join("\n"));
}

function isAmong<Value>(values: readonly Value[] | undefined, value: Value | null): boolean {
  return values === undefined || (value !== null && values.includes(value));
}

/** Compiles what of a filter is about fields that never change. */
export function unchangingMatch(filter: IssueFilter): (issue: IssueRecord) => boolean {
  const wanted = filter.text === undefined ? [] : searchWords(filter.text);
  return (issue) =>
    isAmong(filter.type, issue.type) &&
    isAmong(filter.priority, issue.priority) &&
    isAmong(filter.source, issue.source) &&
    isAmong(filter.externalId, issue.externalId) &&
    (filter.sinceMs === undefined || issue.createdAtMs >= filter.sinceMs) &&
    (filter.untilMs === undefined || issue.createdAtMs < filter.untilMs) &&
    (wanted.length === 0 || holdsWords(issueWords(issue), wanted));
}

/** Whether an issue fits the rest of a filter. Its creator is in it: Postgres may know him by another id than his token. */
export function changingMatch(issue: IssueRecord, filter: IssueFilter, visibility: Visibility): boolean {
  return (
    canSeeIssuesOf(visibility, issue.createdById) &&
    isAmong(filter.status, issue.status) &&
    isAmong(filter.module, moduleOf(issue)) &&
    isAmong(filter.agentType, agentTypeOf(issue)) &&
    isAmong(filter.createdById, issue.createdById)
  );
}
