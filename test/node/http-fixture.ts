/** The whole application over small fakes of its ports; every call that reaches an object is written down. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import type { IdentityRow, KeyRow, TokenVerdict } from "../../src/contracts/caller.ts";
import { apiBasePath } from "../../src/contracts/http.ts";
import type {
  ArtifactView,
  DeadLetter,
  IssueDetail,
  IssuePart,
  IssueRef,
  MessageReceipt,
  Outcome,
  PartQuery,
  ReviewDetail,
  SubmitReceipt,
  TranscriptPage,
  UnprojectedPart,
} from "../../src/contracts/organization-rpc.ts";
import type { AuditEntry, AuditQuery, DecisionEntry } from "../../src/contracts/audit.ts";
import type { OrganizationEntry, OrganizationSettings } from "../../src/contracts/platform-rpc.ts";
import type { AdminSession } from "../../src/contracts/platform-sessions.ts";
import type { IssueReader, JobHistory, PlatformLogRecord } from "../../src/contracts/ports.ts";
import type { IssueRecord, LogRecord, PermissionLevel, ReviewRecord, StepRecord } from "../../src/contracts/records.ts";
import type { Switch } from "../../src/contracts/switches.ts";
import { defaultTerms, type Terms } from "../../src/contracts/terms.ts";
import type { UsageRow } from "../../src/contracts/usage.ts";
import type { Failure } from "../../src/core/errors.ts";
import { newId } from "../../src/core/ids.ts";
import { createLogger } from "../../src/core/log.ts";
import { createAgentPort } from "../../src/agents/work-plan.ts";
import { createApp } from "../../src/http/app.ts";
import { ContractCheck, contractChecked, upgradedHeader } from "../support/contract-check.ts";
import type { EdgeEnv } from "../../src/http/edge-env.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import type { AppPorts, EdgeObjects } from "../../src/http/ports.ts";

/** The token of the platform administrator `root`. */
export const adminToken = "root-token";

/** Of a page, beside the Worker's own, that may open live sockets. */
export const allowedOrigin = "https://erp.example";

export const startMs = Date.UTC(2026, 10, 22);

export interface ObjectCall {
  readonly method: string;
  readonly organizationId: string;
  readonly argument: unknown;
}

export function issueRecord(organizationId: string, overrides: Partial<IssueRecord> = {}): IssueRecord {
  const createdAtMs = overrides.createdAtMs ?? startMs;
  return {
    id: newId("issue", createdAtMs),
    organizationId,
    externalId: null,
    source: "MANUAL",
    type: "BUG",
    priority: "MEDIUM",
    title: "Briefs are stuck",
    description: "They never leave SUBMITTED.",
    context: {},
    status: "QUEUED",
    createdById: null,
    submitterLevel: "STAFF",
    requestedAgentType: null,
    requestedModel: null,
    notBeforeMs: null,
    expiresAtMs: null,
    concurrencyKey: null,
    triage: null,
    correlationId: newId("request", createdAtMs),
    costMicroUsd: 0,
    createdAtMs,
    updatedAtMs: createdAtMs,
    ...overrides,
  };
}

export function detailOf(issue: IssueRecord): IssueDetail {
  return {
    issue,
    jobs: [],
    stepCount: 0,
    reviews: [],
    effects: [],
    questions: [],
    messages: [],
    feedback: [],
    waitingFor: null,
    waitingReason: null,
    reservedMicroUsd: 0,
  };
}

export function reviewRecord(overrides: Partial<ReviewRecord> = {}): ReviewRecord {
  return {
    id: newId("review", startMs),
    issueId: newId("issue", startMs),
    artifactId: newId("artifact", startMs),
    status: "OPEN",
    approver: "organization",
    contentHash: "a".repeat(64),
    agentVerdict: null,
    decidedBy: null,
    decidedAtMs: null,
    note: null,
    expiresAtMs: startMs + 1_000,
    createdAtMs: startMs,
    ...overrides,
  };
}

export function switchRecord(changes: Partial<Switch> = {}): Switch {
  return {
    id: newId("switch", startMs),
    scope: { kind: "platform" },
    mode: "hold",
    actor: { kind: "platform", name: "root" },
    reason: "Maintenance.",
    createdAtMs: startMs,
    expiresAtMs: null,
    ...changes,
  };
}

function isOnPage({ before }: AuditQuery): (entry: { readonly number: number }) => boolean {
  return ({ number }) => before === null || number < before;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function unreachable(): never {
  throw new Error("connection refused to postgres://app:hunter2@db");
}

/** A test's world: set what the objects and Postgres answer, then ask the application. */
export class EdgeFixture {
  readonly organizationId = `org_${randomUUID().replaceAll("-", "")}`;
  readonly calls: ObjectCall[] = [];
  readonly logLines: string[] = [];
  readonly identityReads: string[] = [];
  readonly rows = new Map<string, IdentityRow>();
  /** By the hash of the key. */
  readonly keyRows = new Map<string, KeyRow>();
  keyAnswer: Outcome<null> = { ok: true, value: null };
  readonly live = new Map<string, IssueDetail>();
  readonly stored = new Map<string, IssueDetail>();
  readonly reviews = new Map<string, ReviewDetail>();
  /** Reviews whose issue has left the object. */
  readonly leftReviews = new Set<string>();
  readonly storedArtifacts: ArtifactView[] = [];
  readonly entries = new Map<string, OrganizationEntry>();
  readonly upgrades: Request[] = [];
  nowMs = startMs;
  isPostgresUp = true;
  isPlatformUp = true;
  isReplay = false;
  switches: readonly Switch[] = [];
  audit: readonly AuditEntry[] = [];
  decisions: readonly DecisionEntry[] = [];
  /** By the hash of the secret. */
  readonly sessions = new Map<string, AdminSession>();
  readonly usedTickets = new Set<string>();
  storedReviews: readonly ReviewRecord[] = [];
  liveSteps: readonly StepRecord[] = [];
  platformLogs: readonly PlatformLogRecord[] = [];
  unprojected: UnprojectedPart<IssueRecord> = { matching: [], replacedIds: [], through: null };
  jobHistory: JobHistory = { jobs: 0, costMicroUsd: null, durationSeconds: null };
  storedList: readonly IssueRecord[] = [];
  terms: Terms = defaultTerms(this.organizationId);
  submitAnswer: () => Promise<Outcome<SubmitReceipt>> = () => Promise.resolve({ ok: true, value: this.receipt });
  commandFailure: Failure | null = null;
  deadLetters: readonly DeadLetter[] = [];
  transcript: TranscriptPage | null = null;
  usageRows: readonly UsageRow[] = [];
  messageAnswer: Outcome<MessageReceipt> = {
    ok: false,
    failure: { code: "not_found", detail: "There is no such issue." },
  };
  decideAnswer: Outcome<ReviewRecord> = { ok: true, value: reviewRecord({ status: "APPROVED" }) };
  readonly receipt: SubmitReceipt = {
    issueId: newId("issue", startMs),
    jobId: newId("job", startMs),
    status: "QUEUED",
    position: 0,
    rate: { limit: 100, remaining: 99, resetAtMs: startMs + 3_600_000 },
    quota: { limit: 10, remaining: 9, resetAtMs: startMs + 86_400_000 },
    replayed: false,
  };

  /** Adds a user of the organization and answers the token that he presents. */
  user(level: PermissionLevel, row: Partial<IdentityRow> = {}): string {
    const subject = randomUUID();
    const userId = `user_${subject.slice(0, 8)}`;
    this.rows.set(subject, { userId, organizationId: this.organizationId, isActive: true, level, ...row });
    return `user.${subject}`;
  }

  /** Adds an ERP API key of the organization and answers it. */
  key(scopes: readonly string[], row: Partial<KeyRow> = {}): string {
    const key = `sk_live_${randomBytes(32).toString("base64url")}`;
    const own = { organizationId: this.organizationId, scopes, requestsPerHour: 1_000, isActive: true };
    const keyId = `key_${randomUUID()}`;
    this.keyRows.set(sha256(key), { keyId, ...own, expiresAtMs: null, actingUser: null, ...row });
    return key;
  }

  /** A token whose subject has no row, with or without an organization claim. */
  stranger(organizationId?: string): string {
    return ["user", randomUUID(), ...(organizationId === undefined ? [] : [organizationId])].join(".");
  }

  callsOf(method: string): readonly ObjectCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** The application; every answer of it is held to the contract. */
  app(overrides: Partial<AppPorts> = {}): Hono<EdgeEnv> {
    return contractChecked(createApp({ ...this.ports(), ...overrides }), contractCheck);
  }

  ports(): AppPorts {
    return {
      objects: this.#objects(),
      openLiveSocket: (upgrade, viewer) => {
        this.#record("openLiveSocket", viewer.organizationId, viewer);
        this.upgrades.push(upgrade);
        const wasUsed = viewer.ticket !== null && this.usedTickets.has(viewer.ticket.id);
        if (viewer.ticket !== null) this.usedTickets.add(viewer.ticket.id);
        if (wasUsed) return Promise.resolve(new Response(null, { status: 401 }));
        return Promise.resolve(new Response("upgraded", { headers: { [upgradedHeader]: "yes" } }));
      },
      openPlatformSocket: (upgrade, viewer) => {
        this.#record("openPlatformSocket", "", viewer);
        this.upgrades.push(upgrade);
        return Promise.resolve(new Response("upgraded", { headers: { [upgradedHeader]: "yes" } }));
      },
      tokens: { verify: (token) => Promise.resolve(verdictOf(token, this.nowMs)) },
      identities: {
        findBySubject: (subject) => {
          this.identityReads.push(subject);
          return Promise.resolve(this.isPostgresUp ? (this.rows.get(subject) ?? null) : unreachable());
        },
        findKey: ({ keyHash, actingUserId }) => {
          this.identityReads.push(keyHash);
          return Promise.resolve(this.isPostgresUp ? this.#keyRow(keyHash, actingUserId) : unreachable());
        },
      },
      platformLogs: {
        list: (page) => {
          this.#record("platformLogs", page.organizationId ?? "", page);
          return Promise.resolve({ items: this.platformLogs.slice(0, page.limit), asOfMs: startMs });
        },
      },
      issues: () => Promise.resolve(this.isPostgresUp ? this.#reader() : unreachable()),
      usage: {
        sum: (query) => {
          this.#record("usage", query.organizationId ?? "", query);
          return Promise.resolve({ rows: this.usageRows, asOfMs: startMs });
        },
      },
      database: { ping: () => (this.isPostgresUp ? Promise.resolve() : unreachable()) },
      signingKeys: { tickets: new Uint8Array(32).fill(1), sessions: new Uint8Array(32).fill(2) },
      allowedOrigins: new Set([allowedOrigin]),
      adminTokens: [{ name: "root", sha256: sha256(adminToken) }],
      agents: createAgentPort("sonnet"),
      settingSwitches: [],
      integrations: { github: false },
      release: { version: "1.2.3", deploymentId: "dep", deploymentTag: "tag", deployedAt: "2026-11-22T00:00:00Z" },
      clock: { nowMs: () => this.nowMs },
      log: createLogger({}, (_level, line) => this.logLines.push(line)),
    };
  }

  /** The key as Postgres would tell of it: an acting user who is active and the organization's, or none. */
  #keyRow(keyHash: string, actingUserId: string | null): KeyRow | null {
    const row = this.keyRows.get(keyHash) ?? null;
    const [subject, user] = [...this.rows].find(([, each]) => each.userId === actingUserId) ?? [];
    const isUsable = user !== undefined && user.isActive && user.organizationId === row?.organizationId;
    if (row === null || subject === undefined || !isUsable) return row;
    return { ...row, actingUser: { userId: user.userId, subject, level: user.level } };
  }

  #record(method: string, organizationId: string, argument: unknown): void {
    this.calls.push({ method, organizationId, argument });
  }

  #objects(): EdgeObjects {
    return {
      organization: (organizationId) => ({
        submitBatch: ({ commands }) => {
          this.#record("submitBatch", organizationId, commands);
          return Promise.all(commands.map(() => this.submitAnswer()));
        },
        readUsage: (query) => {
          this.#record("readUsage", organizationId, query);
          const { rate, quota } = this.receipt;
          return Promise.resolve({ rate, quota, concurrency: { limit: 2, running: 1, waiting: 3 } });
        },
        countKeyRequest: (request) => {
          this.#record("countKeyRequest", organizationId, request);
          return Promise.resolve(this.keyAnswer);
        },
        readDecisions: (query) => {
          this.#record("readDecisions", organizationId, query);
          return Promise.resolve(this.decisions.filter(isOnPage(query)).slice(0, query.limit));
        },
        submit: (command) => {
          this.#record("submit", organizationId, command);
          return this.submitAnswer();
        },
        readIssue: (ref) => {
          this.#record("readIssue", organizationId, ref);
          return Promise.resolve(this.live.get(ref.issueId) ?? null);
        },
        listUnprojected: (query) => {
          this.#record("listUnprojected", organizationId, query);
          return Promise.resolve(this.unprojected);
        },
        listSteps: (query) => Promise.resolve(this.#livePart(query, this.liveSteps)),
        listLogs: (query) => Promise.resolve(this.#livePart<LogRecord>(query, [])),
        listArtifacts: (query) => Promise.resolve(this.#livePart<ArtifactView>(query, [])),
        readTranscript: (query) => {
          this.#record("readTranscript", organizationId, query);
          return Promise.resolve(this.transcript);
        },
        readBudget: (ref) => {
          this.#record("readBudget", organizationId, ref);
          const day = { limitMicroUsd: 1_000, committedMicroUsd: 600, reservedMicroUsd: 150 };
          const month = { limitMicroUsd: 500, committedMicroUsd: 600, reservedMicroUsd: 0 };
          return Promise.resolve({
            day: { ...day, resetAtMs: Date.UTC(2026, 10, 23) },
            month: { ...month, resetAtMs: Date.UTC(2026, 11, 1) },
          });
        },
        listUnprojectedReviews: (query) => {
          this.#record("listUnprojectedReviews", organizationId, query);
          const matching = [...this.reviews.values()].map(({ review }) => review);
          return Promise.resolve({ matching, replacedIds: matching.map(({ id }) => id), through: null });
        },
        readReview: ({ reviewId }) => Promise.resolve(this.reviews.get(reviewId) ?? null),
        commandIssue: (command) => {
          this.#record("commandIssue", organizationId, command);
          const { archived } = command;
          const restored =
            archived === undefined
              ? undefined
              : { ...archived, waitingFor: null, waitingReason: null, reservedMicroUsd: 0 };
          const detail = this.live.get(command.issueId) ?? restored;
          const failure = { code: "not_found", detail: "There is no such issue." } as const;
          return Promise.resolve(
            this.commandFailure === null && detail !== undefined
              ? { ok: true, value: detail }
              : { ok: false, failure: this.commandFailure ?? failure },
          );
        },
        sendMessage: (command) => {
          this.#record("sendMessage", organizationId, command);
          return Promise.resolve(this.messageAnswer);
        },
        giveFeedback: ({ issueId, person, givenBy, rating, outcome, tags, comment, archived }) => {
          this.#record("giveFeedback", organizationId, { issueId, person });
          if (!this.live.has(issueId) && archived === undefined) {
            return Promise.resolve({ ok: false, failure: { code: "not_found", detail: "There is no such issue." } });
          }
          const said = { issueId, person, givenBy, rating, outcome, tags: [...tags], comment };
          return Promise.resolve({ ok: true, value: { ...said, createdAtMs: this.nowMs, updatedAtMs: this.nowMs } });
        },
        listDeadLetters: (query) => {
          this.#record("listDeadLetters", organizationId, query);
          return Promise.resolve(this.deadLetters.slice(0, query.limit));
        },
        decideReview: (decision) => {
          this.#record("decideReview", organizationId, decision);
          const isAway = decision.archived === undefined && this.leftReviews.has(decision.reviewId);
          const failure = { code: "not_found", detail: "There is no such review." } as const;
          return Promise.resolve(isAway ? { ok: false, failure } : this.decideAnswer);
        },
      }),
      platform: () => ({
        readTerms: (organizationId) => {
          this.#record("readTerms", organizationId, null);
          return this.isPlatformUp ? Promise.resolve(this.terms) : Promise.reject(new Error("platform is away"));
        },
        putOrganization: (settings) => {
          this.#record("putOrganization", settings.organizationId, settings);
          return Promise.resolve(this.#put(settings));
        },
        readOrganization: (organizationId) => Promise.resolve(this.entries.get(organizationId) ?? null),
        readSwitches: (organizationId) => {
          this.#record("readSwitches", organizationId ?? "", null);
          return Promise.resolve(this.switches);
        },
        setSwitch: (command) => {
          this.#record("setSwitch", "", command);
          const { idempotency: _key, ...changes } = command;
          return Promise.resolve({ ok: true, value: { ...switchRecord(changes), replayed: this.isReplay } });
        },
        removeSwitch: (command) => {
          this.#record("removeSwitch", "", command);
          const removed = this.switches.find(({ id }) => id === command.switchId);
          const failure = { code: "not_found", detail: "There is no such switch." } as const;
          return Promise.resolve(removed === undefined ? { ok: false, failure } : { ok: true, value: removed });
        },
        administer: (command) => {
          this.#record("administer", "", command);
          return Promise.resolve({ ok: true, value: this.switches });
        },
        readAudit: (query) => {
          this.#record("readAudit", "", query);
          return Promise.resolve(this.audit.filter(isOnPage(query)).slice(0, query.limit));
        },
        openSession: ({ secretHash, lifetimeMs, ...session }) => {
          this.#record("openSession", "", session);
          const times = { openedAtMs: this.nowMs, expiresAtMs: this.nowMs + lifetimeMs };
          const opened = { id: newId("session", this.nowMs), ...session, ...times };
          this.sessions.set(secretHash, opened);
          return Promise.resolve(opened);
        },
        findSession: (secretHash) => {
          this.#record("findSession", "", null);
          const found = this.sessions.get(secretHash);
          return Promise.resolve(found !== undefined && found.expiresAtMs > this.nowMs ? found : null);
        },
        listSessions: () => Promise.resolve([...this.sessions.values()]),
        endSession: ({ sessionId, actor }) => {
          this.#record("endSession", "", { sessionId, actor });
          const [secretHash] = [...this.sessions].find(([, { id }]) => id === sessionId) ?? [];
          return Promise.resolve(secretHash !== undefined && this.sessions.delete(secretHash));
        },
        readStatus: () =>
          this.isPlatformUp
            ? Promise.resolve({ globalSlots: 5, slotsInUse: 1, organizationsWaiting: 0, demand: 0 })
            : Promise.reject(new Error("platform is away")),
      }),
    };
  }

  #put(settings: OrganizationSettings): OrganizationEntry {
    const { organizationId, tier, slug, repository } = settings;
    const terms = { ...defaultTerms(organizationId), version: 1, tier, slug, repository };
    const entry = { ...settings, terms, demand: 0, slotsInUse: 0 };
    this.entries.set(organizationId, entry);
    return entry;
  }

  #reader(): IssueReader {
    return {
      list: (page) => {
        this.#record("postgres.list", page.organizationId, page);
        return Promise.resolve(this.storedList.filter((issue) => !page.excludeIds.includes(issue.id)));
      },
      read: (organizationId, issueId, visibility) => {
        this.#record("postgres.read", organizationId, visibility);
        const detail = this.stored.get(issueId) ?? null;
        return Promise.resolve(detail?.issue.organizationId === organizationId ? detail : null);
      },
      jobHistory: (organizationId, kind) => {
        this.#record("postgres.jobHistory", organizationId, kind);
        return Promise.resolve(this.jobHistory);
      },
      readByReview: (organizationId, reviewId) => {
        this.#record("postgres.readByReview", organizationId, reviewId);
        const detail = [...this.stored.values()].find(({ reviews }) => reviews.some(({ id }) => id === reviewId));
        return Promise.resolve(detail?.issue.organizationId === organizationId ? detail : null);
      },
      listSteps: (query) => {
        if (!this.#readStored(query)) return Promise.resolve(null);
        this.#record("postgres.listSteps", query.organizationId, query);
        return Promise.resolve({ items: [], more: false });
      },
      listLogs: (query) => {
        if (!this.#readStored(query)) return Promise.resolve(null);
        this.#record("postgres.listLogs", query.organizationId, query);
        return Promise.resolve({ items: [], more: false });
      },
      listArtifacts: (query) => {
        if (!this.#readStored(query)) return Promise.resolve(null);
        this.#record("postgres.listArtifacts", query.organizationId, query);
        const items = this.storedArtifacts.filter(({ artifact }) => artifact.issueId === query.issueId);
        return Promise.resolve({ items: items.slice(0, query.limit), more: items.length > query.limit });
      },
      readArtifact: (organizationId, artifactId) => {
        this.#record("postgres.readArtifact", organizationId, artifactId);
        return Promise.resolve(this.storedArtifacts.find(({ artifact }) => artifact.id === artifactId) ?? null);
      },
      listReviews: (page) => {
        this.#record("postgres.listReviews", page.organizationId, page);
        return Promise.resolve(this.storedReviews.filter(({ id }) => !page.excludeIds.includes(id)));
      },
    };
  }

  #livePart<Item>(query: PartQuery<unknown>, items: readonly Item[]): IssuePart<Item> | null {
    this.#record("livePart", query.organizationId, query);
    if (!this.live.has(query.issueId)) return null;
    return { items: items.slice(0, query.limit), more: items.length > query.limit };
  }

  /** Whether Postgres has the issue itself, which it looks up first. */
  #readStored({ organizationId, issueId, visibility }: IssueRef): boolean {
    this.#record("postgres.read", organizationId, visibility);
    return this.stored.get(issueId)?.issue.organizationId === organizationId;
  }
}

let check: Promise<ContractCheck> | null = null;

async function readContract(): Promise<ContractCheck> {
  const response = await createApp(new EdgeFixture().ports()).request(`${apiBasePath}/openapi.json`);
  return new ContractCheck(z.custom<OpenApiDocument>().parse(await response.json()));
}

/** The check against the contract that the application itself serves. */
export function contractCheck(): Promise<ContractCheck> {
  return (check ??= readContract());
}

/** `user.<subject>[.<organization>]` is genuine, `unusable` too, `keys-away` cannot be told, the rest is forged. */
function verdictOf(token: string, nowMs: number): TokenVerdict {
  const [kind, subject, organizationId] = token.split(".");
  if (kind === "user" && subject !== undefined) {
    const expiresAtMs = nowMs + 24 * 3_600_000;
    return { kind: "verified", claims: { subject, organizationId: organizationId ?? null, expiresAtMs } };
  }
  if (token === "keys-away") throw new Error("the key server is away");
  return { kind: token === "unusable" ? "unusable" : "rejected" };
}

export function bearer(token: string, headers: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${token}`, ...headers };
}

export function stepRecord(jobId: string, number: number): StepRecord {
  return {
    jobId,
    attempt: 1,
    number,
    kind: "tool",
    name: "read_file",
    input: "{}",
    inputCharacters: 2,
    output: "text",
    isError: false,
    policy: "allowed",
    startedAtMs: startMs + number,
    durationMs: 1,
    usage: null,
    reservedMicroUsd: null,
    costMicroUsd: 0,
    stopReason: null,
  };
}

export function jsonRequest(token: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: bearer(token, { "content-type": "application/json", ...headers }),
    body: JSON.stringify(body),
  };
}

export const validSubmission = { type: "BUG", title: "Briefs are stuck", description: "In SUBMITTED, all of them." };
