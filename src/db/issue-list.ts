/** A stretch of an organization's list of issues as one query: an index finds the issues, then their rows are read. */
import { issueWords, type ListPosition } from "../contracts/issue-filter.ts";
import type { IssuePage } from "../contracts/ports.ts";
import type { IssueRecord } from "../contracts/records.ts";
import { searchWords } from "../core/search-words.ts";
import { Prisma, type AgentIssue } from "./generated/client.ts";

/** A word as it is indexed: under its organization, whose id holds no colon. */
function indexed(organizationId: string, word: string): string {
  return `${organizationId}:${word}`;
}

/** The words that an issue is found by, as its row holds them. */
export function indexedWords(organizationId: string, issue: IssueRecord): string[] {
  return issueWords(issue).map((word) => indexed(organizationId, word));
}

/** The `tsquery` for a text; quoting is enough, because a word is letters and digits and an organization's id nearly so. */
function searchQuery(organizationId: string, text: string): string {
  return searchWords(text)
    .map((word) => `'${indexed(organizationId, word)}':*`)
    .join(" & ");
}

/** What of a transaction a list needs. */
export interface RawQueries {
  readonly $executeRaw: (query: Prisma.Sql) => PromiseLike<number>;
  readonly $queryRaw: <Rows>(query: Prisma.Sql) => PromiseLike<Rows>;
}

/** Newest first. The transaction must be the organization's. */
export async function listIssueRows(transaction: RawQueries, page: IssuePage): Promise<readonly AgentIssue[]> {
  const { organizationId, filter, limit } = page;
  let words = Prisma.empty;
  if (filter.text !== undefined) {
    // The table of words shows what is searched for and nothing else, see its policy.
    const wanted = searchQuery(organizationId, filter.text);
    await transaction.$executeRaw(Prisma.sql`SELECT set_config('app.issue_search', ${wanted}, true)`);
    words = Prisma.sql`
      JOIN agents."AgentIssueWords" words ON words."organizationId" = issue."organizationId" AND words."issueId" = issue.id`;
  }
  return transaction.$queryRaw<AgentIssue[]>(Prisma.sql`
    SELECT issue.*
      FROM (SELECT issue."organizationId", issue.id, issue."createdAt"
              FROM agents."AgentIssue" issue ${words}
             WHERE ${Prisma.join(conditionsOf(page), " AND ")}
             ORDER BY issue."createdAt" DESC, issue.id DESC
             LIMIT ${limit}) found
      JOIN agents."AgentIssue" issue ON issue."organizationId" = found."organizationId" AND issue.id = found.id
     ORDER BY found."createdAt" DESC, found.id DESC`);
}

function conditionsOf({ organizationId, visibility, filter, before, through, excludeIds }: IssuePage): Prisma.Sql[] {
  const conditions = [Prisma.sql`issue."organizationId" = ${organizationId}`];
  const among = (column: Prisma.Sql, values: readonly string[] | undefined, type: Prisma.Sql): void => {
    if (values !== undefined) conditions.push(Prisma.sql`${column} = ANY (${[...values]}::${type}[])`);
  };
  const text = Prisma.sql`text`;
  among(Prisma.sql`issue.status`, filter.status, Prisma.sql`agents."IssueStatus"`);
  among(Prisma.sql`issue.type`, filter.type, Prisma.sql`agents."IssueType"`);
  among(Prisma.sql`issue.priority`, filter.priority, Prisma.sql`agents."IssuePriority"`);
  among(Prisma.sql`issue.source`, filter.source, Prisma.sql`agents."IssueSource"`);
  among(Prisma.sql`issue.module`, filter.module, text);
  among(Prisma.sql`issue."agentType"`, filter.agentType, text);
  among(Prisma.sql`issue."createdById"`, filter.createdById, text);
  among(Prisma.sql`issue."externalId"`, filter.externalId, text);
  if (visibility.kind === "own") among(Prisma.sql`issue."createdById"`, visibility.userIds, text);
  if (filter.sinceMs !== undefined) conditions.push(Prisma.sql`issue."createdAt" >= ${new Date(filter.sinceMs)}`);
  if (filter.untilMs !== undefined) conditions.push(Prisma.sql`issue."createdAt" < ${new Date(filter.untilMs)}`);
  if (before !== null) conditions.push(Prisma.sql`${position} < ${placeOf(before)}`);
  if (through !== null) conditions.push(Prisma.sql`${position} >= ${placeOf(through)}`);
  if (excludeIds.length > 0) conditions.push(Prisma.sql`issue.id <> ALL (${[...excludeIds]}::text[])`);
  return conditions;
}

const position = Prisma.sql`(issue."createdAt", issue.id)`;

function placeOf({ createdAtMs, id }: ListPosition): Prisma.Sql {
  return Prisma.sql`(${new Date(createdAtMs)}::timestamptz, ${id}::text)`;
}
