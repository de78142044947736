/** A list of issues that is read from two places while it changes, and what a reader of it must have seen. */
import * as fc from "fast-check";
import type { IssueFilter, ListPosition } from "../../src/contracts/issue-filter.ts";
import type { Visibility } from "../../src/contracts/caller.ts";
import type { IssuePage } from "../../src/contracts/ports.ts";
import type { IssueRecord } from "../../src/contracts/records.ts";
import type { ListQuery, UnprojectedPart } from "../../src/contracts/organization-rpc.ts";
import { readMergedPage } from "../../src/http/merged-page.ts";
import type { EventLogFixture } from "./database-event-log.ts";

/** Postgres as the model needs it. */
export interface ListedPostgres {
  /** Applies the log's events up to this number. */
  projectThrough(seq: number): Promise<void>;
  list(page: IssuePage): Promise<readonly IssueRecord[]>;
}

/** The object as the model needs it. */
export interface ListedObject {
  /** Keeps the issue as the event with this number left it. */
  save(issue: IssueRecord, seq: number): void;
  listUnprojected(query: ListQuery, projectedSeq: number): UnprojectedPart<IssueRecord>;
}

interface Version {
  readonly seq: number;
  readonly issue: IssueRecord;
}

export type Action =
  | { readonly kind: "submit"; readonly fields: Partial<IssueRecord> }
  | { readonly kind: "change"; readonly pick: number; readonly status: IssueRecord["status"] }
  | { readonly kind: "triage"; readonly pick: number; readonly agent: string }
  | { readonly kind: "project"; readonly events: number }
  | { readonly kind: "confirm" };

export interface ListScenario {
  readonly before: readonly Action[];
  /** What happens before each question to the object or Postgres; none when they run out. */
  readonly during: readonly (readonly Action[])[];
  readonly filter: IssueFilter;
  readonly visibility: Visibility;
  readonly limit: number;
  /** What the object looks at for one answer. */
  readonly bounds: { readonly items: number; readonly characters: number };
  /** Which questions to Postgres fail, one after the other. */
  readonly failures: readonly boolean[];
}

const firstMs = Date.UTC(2026, 10, 2, 9);
const statuses = ["QUEUED", "PROCESSING", "REVIEW", "COMPLETED"] as const;
const agents = ["briefs.status-workflow", "meta.research", "time.entries"] as const;
const titles = ["Briefs stuck", "brief STÜCK again", "Zeiterfassung fehlt", "café menu", "Σίσυφος"] as const;
const creators = [null, "u1", "u2"] as const;

const anyFields = fc.record({
  title: fc.constantFrom(...titles),
  description: fc.constantFrom("x", "brief of the café"),
  externalId: fc.constantFrom(null, "ERP-1", "ERP-2"),
  type: fc.constantFrom("BUG", "TASK"),
  priority: fc.constantFrom("LOW", "HIGH"),
  source: fc.constantFrom("MANUAL", "GITHUB"),
  requestedAgentType: fc.constantFrom(null, null, agents[0]),
  createdById: fc.constantFrom(...creators),
});
const anyPick = fc.nat(1_000);
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("submit"), fields: anyFields }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("change"), pick: anyPick, status: fc.constantFrom(...statuses) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("triage"), pick: anyPick, agent: fc.constantFrom(...agents) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("project"), events: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("confirm") }) },
);
const someOf = <Value>(...values: readonly Value[]) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined });
const anyFilter: fc.Arbitrary<IssueFilter> = fc.record(
  {
    status: someOf(...statuses),
    type: someOf("BUG", "TASK"),
    priority: someOf("LOW", "HIGH"),
    source: someOf("MANUAL", "GITHUB"),
    module: someOf("briefs", "meta", "time"),
    agentType: someOf(...agents),
    createdById: someOf("u1", "u2"),
    externalId: someOf("ERP-1", "ERP-2"),
    text: fc.constantFrom("brief", "STUCK", "cafe brie", "zeit", "erp 1", "ΣΊΣ"),
    sinceMs: fc.integer({ min: firstMs, max: firstMs + 8 }),
    untilMs: fc.integer({ min: firstMs, max: firstMs + 8 }),
  },
  { requiredKeys: [] },
);

const anySubmission: fc.Arbitrary<Action> = fc.record({ kind: fc.constant("submit"), fields: anyFields });
const anyChange: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant("change"),
  pick: anyPick,
  status: fc.constantFrom(...statuses),
});
/** A list that Postgres holds, with changes that it does not hold yet. */
const anyBeginning = fc
  .tuple(fc.array(anySubmission, { maxLength: 14 }), fc.array(anyChange, { maxLength: 8 }), fc.array(anyAction))
  .map(([submitted, changed, more]): readonly Action[] => {
    const projected: readonly Action[] = [{ kind: "project", events: submitted.length }, { kind: "confirm" }];
    return [submitted, projected, changed, more].flat();
  });

/** Scenarios whose filters are mostly few, so that most lists hold something. */
export const anyScenario: fc.Arbitrary<ListScenario> = fc.record({
  before: anyBeginning,
  during: fc.array(fc.array(anyAction, { maxLength: 6 }), { maxLength: 12 }),
  filter: fc.oneof(
    fc.constant({}),
    fc.record({ status: fc.subarray([...statuses], { minLength: 1 }) }),
    anyFilter.map(oneOrTwoOf),
    anyFilter,
  ),
  visibility: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Visibility>({ kind: "all" }) },
    { weight: 1, arbitrary: fc.constant<Visibility>({ kind: "own", userIds: ["subject", "u1"] }) },
  ),
  limit: fc.integer({ min: 1, max: 6 }),
  bounds: fc.constantFrom(
    { items: 2, characters: 1e6 },
    { items: 1_000, characters: 1e6 },
    { items: 50, characters: 700 },
  ),
  failures: fc.constant([]),
});

function oneOrTwoOf(filter: IssueFilter): IssueFilter {
  return Object.fromEntries(Object.entries(filter).slice(0, 2));
}

function plainWords(text: string): readonly string[] {
  const plain = text.normalize("NFD").replaceAll(/[\u0300-\u036f]/gu, "");
  return plain
    .toLowerCase()
    .replaceAll("ς", "σ")
    .split(/[\s-]+/u);
}

function isFound({ title, description, externalId }: IssueRecord, text: string): boolean {
  const words = plainWords(`${title} ${description} ${externalId ?? ""}`);
  return plainWords(text).every((start) => words.some((word) => word.startsWith(start)));
}

/** Whether an issue is to be listed, said as plainly as can be and without the code under test. */
export function isWanted(issue: IssueRecord, filter: IssueFilter, visibility: Visibility): boolean {
  const agent = issue.requestedAgentType ?? issue.triage?.agent ?? "";
  const module = issue.triage?.module ?? agent.split(".")[0] ?? "";
  const has = (values: readonly string[] | undefined, value: string | null): boolean =>
    values === undefined || values.includes(value ?? "");
  return (
    (visibility.kind === "all" || visibility.userIds.includes(issue.createdById ?? "")) &&
    has(filter.status, issue.status) &&
    has(filter.type, issue.type) &&
    has(filter.priority, issue.priority) &&
    has(filter.source, issue.source) &&
    has(filter.module, module) &&
    has(filter.agentType, agent) &&
    has(filter.createdById, issue.createdById) &&
    has(filter.externalId, issue.externalId) &&
    (filter.text === undefined || isFound(issue, filter.text)) &&
    (filter.sinceMs === undefined || issue.createdAtMs >= filter.sinceMs) &&
    (filter.untilMs === undefined || issue.createdAtMs < filter.untilMs)
  );
}

export interface ReadList {
  readonly seen: readonly IssueRecord[];
  /** Whether any page said that Postgres could not be read. */
  readonly partial: boolean;
  /** Issues that were there from the beginning, and wanted all the time. */
  readonly always: readonly string[];
  /** Issues that were wanted at any time while the list was read. */
  readonly ever: ReadonlySet<string>;
}

export class ListModel {
  readonly log: EventLogFixture;
  readonly #scenario: ListScenario;
  readonly #postgres: ListedPostgres;
  readonly #object: ListedObject;
  readonly #users: ReadonlyMap<string, string>;
  /** Every issue's versions, oldest first. */
  readonly #versions = new Map<string, readonly Version[]>();
  #appliedSeq = 0;
  #confirmedSeq = 0;
  #asked = 0;

  /** `users` are the ids that stand for those of the scenario. */
  constructor(
    scenario: ListScenario,
    log: EventLogFixture,
    places: { readonly object: ListedObject; readonly postgres: ListedPostgres },
    users: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#scenario = scenario;
    this.log = log;
    this.#object = places.object;
    this.#postgres = places.postgres;
    this.#users = users;
  }

  #named(id: string): string {
    return this.#users.get(id) ?? id;
  }

  get #filter(): IssueFilter {
    const { filter } = this.#scenario;
    return { ...filter, createdById: filter.createdById?.map((id) => this.#named(id)) };
  }

  get #visibility(): Visibility {
    const { visibility } = this.#scenario;
    if (visibility.kind === "all") return visibility;
    return { kind: "own", userIds: visibility.userIds.map((id) => this.#named(id)) };
  }

  #keep(issue: IssueRecord): void {
    const seq = this.log.lastSeq;
    this.#object.save(issue, seq);
    const versions = this.#versions.get(issue.id) ?? [];
    this.#versions.set(issue.id, [...versions, { seq, issue }]);
  }

  #picked(pick: number): IssueRecord | undefined {
    const issues = [...this.#versions.values()];
    return issues[pick % Math.max(issues.length, 1)]?.at(-1)?.issue;
  }

  async #act(action: Action): Promise<void> {
    switch (action.kind) {
      case "submit": {
        const createdById = action.fields.createdById ?? null;
        const createdAtMs = firstMs + Math.floor(this.#versions.size / 3);
        const fields = { ...action.fields, createdAtMs, createdById: createdById && this.#named(createdById) };
        this.#keep(this.log.submit(fields));
        return;
      }
      case "change": {
        const issue = this.#picked(action.pick);
        if (issue === undefined) return;
        const { status } = action;
        const data = { from: issue.status, status };
        const { atMs } = this.log.append({ type: "issue.status_changed", issueId: issue.id, data });
        this.#keep({ ...issue, status, updatedAtMs: atMs });
        return;
      }
      case "triage": {
        const issue = this.#picked(action.pick);
        if (issue === undefined) return;
        const [module = ""] = action.agent.split(".");
        const { type, priority } = issue;
        const estimate = { costMicroUsd: 1, durationSeconds: 1 };
        const triage = {
          type,
          priority,
          module,
          complexity: 1,
          agent: action.agent,
          confidence: 1,
          reason: "",
          estimate,
        };
        const data = { triage, byRules: false };
        const { atMs } = this.log.append({ type: "issue.triaged", issueId: issue.id, data });
        this.#keep({ ...issue, triage, updatedAtMs: atMs });
        return;
      }
      case "project":
        this.#appliedSeq = Math.min(this.log.lastSeq, this.#appliedSeq + action.events);
        return this.#postgres.projectThrough(this.#appliedSeq);
      case "confirm":
        this.#confirmedSeq = this.#appliedSeq;
    }
  }

  async #actAll(actions: readonly Action[] | undefined): Promise<void> {
    for (const action of actions ?? []) await this.#act(action);
  }

  /** Reads the list page by page while it changes, and returns what was seen, and whether any page was partial. */
  async read(): Promise<ReadList> {
    const { before, during, limit, failures } = this.#scenario;
    const wanted = { organizationId: this.log.organizationId, visibility: this.#visibility, filter: this.#filter };
    await this.#actAll(before);
    const startSeq = this.log.lastSeq;
    const seen: IssueRecord[] = [];
    let postgresReads = 0;
    let isPartial = false;
    const sources = {
      object: async (query: { before: ListPosition | null; limit: number }) => {
        await this.#actAll(during[this.#asked++]);
        return this.#object.listUnprojected({ ...wanted, ...query }, this.#confirmedSeq);
      },
      postgres: async (stretch: Omit<IssuePage, keyof typeof wanted>) => {
        await this.#actAll(during[this.#asked++]);
        if (failures[postgresReads++] === true) return null;
        return this.#postgres.list({ ...wanted, ...stretch });
      },
    };
    let from: ListPosition | null = null;
    do {
      const page: Awaited<ReturnType<typeof readMergedPage<IssueRecord>>> = await readMergedPage<IssueRecord>(sources, {
        before: from,
        limit,
      });
      if (page.items.length > limit) throw new Error("a page holds more than was asked for");
      seen.push(...page.items);
      isPartial ||= page.partial;
      from = page.next;
    } while (from !== null);
    return { seen, partial: isPartial, ...this.#wantedSince(startSeq) };
  }

  #wantedSince(startSeq: number): Pick<ReadList, "always" | "ever"> {
    const always: string[] = [];
    const ever = new Set<string>();
    for (const [id, versions] of this.#versions) {
      const before = versions.findLast(({ seq }) => seq <= startSeq);
      const since = [...(before === undefined ? [] : [before]), ...versions.filter(({ seq }) => seq > startSeq)];
      const verdicts = new Set(since.map(({ issue }) => isWanted(issue, this.#filter, this.#visibility)));
      if (verdicts.has(true)) ever.add(id);
      if (before !== undefined && !verdicts.has(false)) always.push(id);
    }
    return { always, ever };
  }
}

function isBefore(left: IssueRecord, right: IssueRecord): boolean {
  return left.createdAtMs === right.createdAtMs ? left.id > right.id : left.createdAtMs > right.createdAtMs;
}

/** What must hold of every list that was read: order, nothing twice, nothing unwanted, and nothing missing. */
export function assertRightList({ seen, partial, always, ever }: ReadList): void {
  for (const [index, issue] of seen.entries()) {
    const next = seen[index + 1];
    if (next !== undefined && !isBefore(issue, next)) throw new Error(`${next.id} is out of order`);
    if (!ever.has(issue.id)) throw new Error(`${issue.id} was never wanted`);
  }
  const ids = new Set(seen.map(({ id }) => id));
  const missing = partial ? [] : always.filter((id) => !ids.has(id));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} missing`);
}
