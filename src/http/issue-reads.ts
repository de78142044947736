/** Reads of an organization's issues: the object answers for what is live, Postgres for what has left it. */
import pTimeout from "p-timeout";
import type { IssueFilter, ListPosition } from "../contracts/issue-filter.ts";
import type { Archivable, IssueDetail, Outcome, ReviewQuery } from "../contracts/organization-rpc.ts";
import type { IssueReader } from "../contracts/ports.ts";
import type { IssueRecord, ReviewRecord } from "../contracts/records.ts";
import { AgentError, describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { readMergedPage, type MergedPage } from "./merged-page.ts";
import type { TenantAccess } from "./permissions.ts";
import type { AppPorts } from "./ports.ts";

const postgresMaxMs = 5_000;

export interface IssuePageQuery {
  readonly filter: IssueFilter;
  readonly before: ListPosition | null;
  readonly limit: number;
}

async function readWith<Value>(ports: AppPorts, read: (issues: IssueReader) => Promise<Value>): Promise<Value> {
  const issues = await ports.issues();
  return read(issues);
}

/** A read of Postgres in bounded time. Throws when Postgres cannot be read. */
function fromPostgres<Value>(ports: AppPorts, read: (issues: IssueReader) => Promise<Value>): Promise<Value> {
  return pTimeout(readWith(ports, read), { milliseconds: postgresMaxMs });
}

/** The same for part of a list: null when Postgres cannot be read, which is logged. */
async function listedInPostgres<Item>(
  ports: AppPorts,
  log: Logger,
  read: (issues: IssueReader) => Promise<readonly Item[]>,
): Promise<readonly Item[] | null> {
  try {
    return await fromPostgres(ports, read);
  } catch (error) {
    log.warn("list without Postgres", { error: describeError(error) });
    return null;
  }
}

/** One page of the issues that the caller may see. Without Postgres it holds the object's part and says so. */
export function listIssues(
  ports: AppPorts,
  access: TenantAccess,
  { filter, before, limit }: IssuePageQuery,
  log: Logger,
): Promise<MergedPage<IssueRecord>> {
  const { organizationId, visibility } = access;
  const wanted = { organizationId, visibility, filter };
  return readMergedPage<IssueRecord>(
    {
      object: (query) => ports.objects.organization(organizationId).listUnprojected({ ...wanted, ...query }),
      postgres: (stretch) => listedInPostgres(ports, log, (issues) => issues.list({ ...wanted, ...stretch })),
    },
    { before, limit },
  );
}

/** The same of an organization's reviews. */
export function listReviews(ports: AppPorts, query: ReviewQuery, log: Logger): Promise<MergedPage<ReviewRecord>> {
  const { organizationId, status, before, limit } = query;
  const wanted = { organizationId, status };
  return readMergedPage<ReviewRecord>(
    {
      object: (part) => ports.objects.organization(organizationId).listUnprojectedReviews({ ...wanted, ...part }),
      postgres: (stretch) => listedInPostgres(ports, log, (issues) => issues.listReviews({ ...wanted, ...stretch })),
    },
    { before, limit },
  );
}

/**
 * Part of one issue: from the object, or from Postgres when the object answers null. Throws `not_found` for an issue
 * that is foreign, unknown or not the caller's to see, and `unavailable` when only Postgres could tell and it does not answer.
 */
export async function readIssuePart<Part>(
  ports: AppPorts,
  sources: {
    readonly object: () => Promise<Part | null>;
    readonly postgres: (issues: IssueReader) => Promise<Part | null>;
  },
): Promise<Part> {
  const part = (await sources.object()) ?? (await fromPostgresOnly(ports, sources.postgres));
  if (part === null) throw issueNotFound();
  return part;
}

/** What Postgres says of something that is not in the object. Throws `unavailable` when it says nothing. */
export async function fromPostgresOnly<Part>(
  ports: AppPorts,
  read: (issues: IssueReader) => Promise<Part>,
): Promise<Part> {
  try {
    return await fromPostgres(ports, read);
  } catch (error) {
    const detail = "The issue is not live, and its record cannot be read right now.";
    throw new AgentError({ code: "unavailable", detail, retryAfterSeconds: 5 }, { cause: error });
  }
}

/**
 * Gives a command to the object; when it does not know what the command is about, once more with the issue as Postgres
 * holds it. Throws `unavailable` when only Postgres could tell and it does not answer.
 */
export async function commandLiveOrArchived<Value>(
  ports: AppPorts,
  command: (about: Archivable) => Promise<Outcome<Value>>,
  read: (issues: IssueReader) => Promise<IssueDetail | null>,
): Promise<Outcome<Value>> {
  const outcome = await command({});
  if (outcome.ok || outcome.failure.code !== "not_found") return outcome;
  const archived = await fromPostgresOnly(ports, read);
  return archived === null ? outcome : command({ archived });
}

/** What a foreign, unknown or invisible issue reads as. */
export function issueNotFound(): AgentError {
  return new AgentError({ code: "not_found", detail: "There is no such issue." });
}
