/** The list of issues on the real thing: the same model over PostgreSQL, and the plans of its queries at 10,000 issues. */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { IssueFilter } from "../../src/contracts/issue-filter.ts";
import type { ListQuery, UnprojectedPart } from "../../src/contracts/organization-rpc.ts";
import type { IssuePage } from "../../src/contracts/ports.ts";
import type { IssueRecord } from "../../src/contracts/records.ts";
import { Prisma } from "../../src/db/generated/client.ts";
import { listIssueRows } from "../../src/db/issue-list.ts";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { inTenant, withPrisma } from "../../src/db/prisma-client.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows } from "../support/database-fixture.ts";
import { anyScenario, assertRightList, isWanted, ListModel, type ListedObject } from "../support/list-model.ts";

const settings = settingsOf("agents_app");
const reader = createIssueReader(settings);
const projection = createProjection(settings);

/** Answers for its issues as an organization's object does. */
class PlainObject implements ListedObject {
  readonly #issues = new Map<string, { readonly issue: IssueRecord; readonly seq: number }>();

  save(issue: IssueRecord, seq: number): void {
    this.#issues.set(issue.id, { issue, seq });
  }

  listUnprojected(
    { filter, visibility, before, limit }: ListQuery,
    projectedSeq: number,
  ): UnprojectedPart<IssueRecord> {
    const changed = [...this.#issues.values()]
      .filter(({ seq }) => seq > projectedSeq)
      .map(({ issue }) => issue)
      .filter(({ createdAtMs, id }) => before === null || isAfter({ createdAtMs, id }, before))
      .sort((left, right) => (isAfter(left, right) ? 1 : -1));
    const matching = changed.filter((issue) => isWanted(issue, filter, visibility)).slice(0, limit);
    const last = matching.at(-1);
    const through = matching.length < limit || last === undefined ? null : last;
    return { matching, replacedIds: changed.map(({ id }) => id), through };
  }
}

function isAfter(left: { createdAtMs: number; id: string }, right: { createdAtMs: number; id: string }): boolean {
  return left.createdAtMs === right.createdAtMs ? left.id < right.id : left.createdAtMs < right.createdAtMs;
}

describe("the list of issues, from PostgreSQL", () => {
  it("shows every issue once, in order, whatever happens while it is read", async () => {
    await fc.assert(
      fc.asyncProperty(anyScenario, async (scenario) => {
        const { id: organizationId, users } = await newOrganization();
        const log = new EventLogFixture(organizationId);
        const postgres = {
          list: (page: IssuePage) => reader.list(page),
          projectThrough: async (seq: number) => {
            await projection.project(organizationId, {
              bodies: (bodyIds) => log.bodies(bodyIds),
              events: async (after, limit) => {
                const page = await log.events(after, limit);
                return { ...page, lastSeq: seq, events: page.events.filter((event) => event.seq <= seq) };
              },
            });
          },
        };
        const ids = new Map([
          ["u1", users.STAFF.id],
          ["u2", users.FREELANCER.id],
        ]);
        const read = await new ListModel(scenario, log, { object: new PlainObject(), postgres }, ids).read();
        expect(read.partial).toBe(false);
        assertRightList(read);
      }),
      { numRuns: 12 },
    );
  });
});

describe("a page of 10,000 issues", () => {
  let organizationId = "";
  const everyone = { kind: "all" } as const;

  beforeAll(async () => {
    const [own, other] = [await newOrganization(), await newOrganization()];
    organizationId = own.id;
    // What the projection writes, by one statement: 10,000 issues here, and as many elsewhere.
    await superuserRows(
      `WITH issue AS (
         INSERT INTO agents."AgentIssue" (id, "organizationId", source, type, priority, title, description, context,
           status, "submitterLevel", "correlationId", "createdAt", "updatedAt", "externalId", module, "agentType")
         SELECT 'iss_' || lpad(i::text, 26, '0'), organization, 'MANUAL', (ARRAY['BUG', 'TASK'])[1 + i % 2]::agents."IssueType",
                'LOW', 'Brief ' || i, repeat('lorem ipsum ', 40), '{}',
                (CASE i % 500 WHEN 0 THEN 'REVIEW' ELSE 'COMPLETED' END)::agents."IssueStatus", 'STAFF', 'req',
                '2026-11-01'::timestamptz + i * interval '1 second', now(), 'ERP-' || i,
                (ARRAY['briefs', 'time', 'meta'])[1 + i % 3], 'meta.research'
           FROM unnest($1::text[]) organization, generate_series(1, 10000) i
         RETURNING "organizationId", id)
       INSERT INTO agents."AgentIssueWords" ("organizationId", "issueId", words)
       SELECT "organizationId", id, ARRAY(
                SELECT "organizationId" || ':' || word
                  FROM unnest(ARRAY['brief', 'lorem', 'x' || right(id, 5), 'y' || right(id, 2)]) word)
         FROM issue`,
      [[own.id, other.id]],
    );
    await superuserRows(`VACUUM ANALYZE agents."AgentIssue", agents."AgentIssueWords"`);
  });

  function page(filter: IssueFilter, fields: Partial<IssuePage> = {}): IssuePage {
    const excludeIds: readonly string[] = [];
    return {
      organizationId,
      visibility: everyone,
      filter,
      before: null,
      through: null,
      limit: 21,
      excludeIds,
      ...fields,
    };
  }

  /** Runs the page's queries as the application's role and tells their plans. */
  async function explained(wanted: IssuePage): Promise<{ readonly rows: number; readonly plans: readonly string[] }> {
    return withPrisma(settings, async (prisma) =>
      inTenant(prisma, wanted.organizationId, async (transaction) => {
        const plans: string[] = [];
        const found = await listIssueRows(
          {
            $executeRaw: (query) => transaction.$executeRaw(query),
            $queryRaw: async (query) => {
              const explain = Prisma.sql`EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, TIMING OFF, SUMMARY OFF) ${query}`;
              const lines = await transaction.$queryRaw<{ "QUERY PLAN": string }[]>(explain);
              plans.push(lines.map((line) => line["QUERY PLAN"]).join("\n"));
              return transaction.$queryRaw(query);
            },
          },
          wanted,
        );
        return { rows: found.length, plans };
      }),
    );
  }

  const cases: readonly { readonly name: string; readonly filter: IssueFilter; readonly found: number }[] = [
    { name: "nothing", filter: {}, found: 21 },
    { name: "a status that few have", filter: { status: ["REVIEW", "FAILED"] }, found: 20 },
    { name: "a word that all have", filter: { text: "brief" }, found: 21 },
    { name: "a word that one has", filter: { text: "x01234" }, found: 1 },
    {
      name: "words that some have, and filters",
      filter: { text: "BRIEF y7", status: ["COMPLETED"], type: ["BUG"] },
      found: 21,
    },
    { name: "a word and a rare status", filter: { text: "y00", status: ["REVIEW"], module: ["time"] }, found: 7 },
    { name: "an external id", filter: { externalId: ["ERP-77", "ERP-78"] }, found: 2 },
    { name: "a word that nobody has", filter: { text: "nowhere" }, found: 0 },
    {
      name: "several filters that exclude all",
      filter: { type: ["BUG"], module: ["time"], status: ["FAILED"] },
      found: 0,
    },
  ];

  it.each(cases)("narrowed by $name costs one indexed query", async ({ filter, found }) => {
    const { rows, plans } = await explained(page(filter));
    expect(rows).toBe(found);
    expect(plans).toHaveLength(1);
    const [plan] = plans;
    expect(plan).not.toMatch(/Seq Scan/u);
    expect(plan).toMatch(filter.text === undefined ? /Index/u : /AgentIssueWords_(?:search_idx|pkey)/u);
  });
});
