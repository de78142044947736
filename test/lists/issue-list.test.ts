/** The list of issues against a model: the object's own tables, a plain Postgres, and everything happening in between. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IssuePage } from "../../src/contracts/ports.ts";
import type { IssueRecord } from "../../src/contracts/records.ts";
import { holdsWords, searchWords } from "../../src/core/search-words.ts";
import { partBounds } from "../../src/durable-objects/organization/bounded-part.ts";
import { IssueTable } from "../../src/durable-objects/organization/issue-table.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { StorageMemory } from "../../src/durable-objects/storage-memory.ts";
import { createMemoryStorage } from "../fairness/memory-sql.ts";
import { EventLogFixture, issueRecordOf } from "../support/database-event-log.ts";
import {
  anyScenario,
  assertRightList,
  isWanted,
  type ListedObject,
  type ListedPostgres,
  ListModel,
  type ListScenario,
} from "../support/list-model.ts";

function objectTable(bounds = partBounds): IssueTable {
  const storage = createMemoryStorage();
  for (const migration of organizationMigrations) storage.sql.exec(migration);
  return new IssueTable(storage.sql, new StorageMemory(storage), bounds);
}

function comesAfter(issue: IssueRecord, { createdAtMs, id }: { createdAtMs: number; id: string }): boolean {
  return issue.createdAtMs < createdAtMs || (issue.createdAtMs === createdAtMs && issue.id < id);
}

/** Rows that follow the log as the real ones do, listed without an index. */
class PlainPostgres implements ListedPostgres {
  readonly #log: EventLogFixture;
  readonly #rows = new Map<string, IssueRecord>();
  #seq = 0;

  constructor(log: EventLogFixture) {
    this.#log = log;
  }

  async projectThrough(seq: number): Promise<void> {
    const { events } = await this.#log.events({ incarnation: this.#log.incarnation, seq: this.#seq }, seq - this.#seq);
    for (const event of events) {
      const row = this.#rows.get(event.issueId);
      if (event.type === "issue.submitted") this.#rows.set(event.issueId, event.data.issue);
      else if (event.type === "issue.status_changed" && row !== undefined) {
        this.#rows.set(event.issueId, { ...row, status: event.data.status });
      } else if (event.type === "issue.triaged" && row !== undefined) {
        this.#rows.set(event.issueId, { ...row, triage: event.data.triage });
      }
    }
    this.#seq = Math.max(this.#seq, seq);
  }

  list({ filter, visibility, before, through, excludeIds, limit }: IssuePage): Promise<readonly IssueRecord[]> {
    const found = [...this.#rows.values()]
      .filter((row) => isWanted(row, filter, visibility) && !excludeIds.includes(row.id))
      .filter((row) => before === null || comesAfter(row, before))
      .filter((row) => through === null || row.id === through.id || !comesAfter(row, through))
      .sort((left, right) => (comesAfter(left, right) ? 1 : -1));
    return Promise.resolve(found.slice(0, limit));
  }
}

function modelOf(scenario: ListScenario, object: ListedObject = objectTable(scenario.bounds)): ListModel {
  const log = new EventLogFixture("org_list");
  return new ListModel(scenario, log, { object, postgres: new PlainPostgres(log) });
}

describe("the list of issues", () => {
  test("shows every issue once, in order, whatever happens while it is read", async () => {
    await fc.assert(
      fc.asyncProperty(anyScenario, async (scenario) => {
        const read = await modelOf(scenario).read();
        expect(read.partial).toBe(false);
        assertRightList(read);
      }),
      { numRuns: 160 },
    );
  });

  test("stays in order and says so while Postgres fails", async () => {
    const failing = fc.tuple(anyScenario, fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(failing, async ([scenario, failures]) => {
        const read = await modelOf({ ...scenario, failures }).read();
        assertRightList(read);
        expect([read.partial, failures[0]]).not.toEqual([false, true]);
      }),
      { numRuns: 60 },
    );
  });

  test("asks the object for a bounded part, however far Postgres is behind", () => {
    const table = objectTable();
    for (let index = 0; index < 2_500; index += 1) {
      table.save(issueRecordOf("org_list", { createdAtMs: index, status: "COMPLETED" }), index + 1);
    }
    const query = { organizationId: "org_list", visibility: { kind: "all" }, before: null, limit: 101 } as const;
    const stale = table.listUnprojected({ ...query, filter: { status: ["QUEUED"] } }, 0);
    expect(stale.matching).toEqual([]);
    expect(stale.replacedIds).toHaveLength(1_000);
    expect(stale.through).toMatchObject({ createdAtMs: 1_500 });
    const listed = table.listUnprojected({ ...query, filter: {} }, 0);
    expect(listed.matching).toHaveLength(101);
    expect(listed.replacedIds).toHaveLength(101);
    const last = table.listUnprojected({ ...query, filter: {}, before: { createdAtMs: 50, id: "" } }, 0);
    expect(last.matching).toHaveLength(50);
    expect(last.through).toBeNull();
    const large = issueRecordOf("org_list", { createdAtMs: 3_000, description: "x".repeat(3_000_000) });
    table.save(large, 3_000);
    table.save({ ...large, id: `${large.id}0` }, 3_001);
    expect(table.listUnprojected({ ...query, filter: {} }, 0).matching).toHaveLength(2);
  });
});

describe("what a text is found by", () => {
  test.each([
    ["Briefs are STUCK", "stuck brief", true],
    ["Briefs are stuck", "tuck", false],
    ["Café Zürich", "CAFE zurich", true],
    ["BRF-2041 / follow_up", "brf 2041 up", true],
    ["ﬁle ①", "file 1", true],
    ["ΟΔΟΣ", "οδος", true],
    ["İstanbul", "istanbul", true],
    ["東京の請求書", "請求", true],
    ["فاتورة مُتأخرة", "متأخرة", true],
    ["nothing", "!?", true],
  ])("%s, searched for %s: %s", (text, wanted, expected) => {
    expect(holdsWords(searchWords(text), searchWords(wanted))).toBe(expected);
  });

  test("is found by the beginning of each of its words, in any case, and is bounded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.nat(), fc.nat(), (text, pick, length) => {
        const words = searchWords(text);
        expect(searchWords(words.join(" "))).toEqual(words);
        for (const word of words) expect(word).toMatch(/^[\p{L}\p{N}]{1,48}$/u);
        const word = words[pick % Math.max(words.length, 1)] ?? "";
        const start = Array.from(word)
          .slice(0, length % 49)
          .join("");
        expect(holdsWords(words, searchWords(start))).toBe(true);
        expect(holdsWords(searchWords(text.normalize("NFC")), words)).toBe(true);
      }),
    );
    const many = Array.from({ length: 9_000 }, (_, index) => `w${index}`).join(" ");
    expect(searchWords(many)).toHaveLength(4_000);
  });
});
