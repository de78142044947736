/** The one object that shares slots among organizations and knows their terms; it never sees a tenant's content. */
import { DurableObject } from "cloudflare:workers";
import type { ModelReport } from "../../contracts/breakers.ts";
import type { AuditEntry, AuditQuery } from "../../contracts/audit.ts";
import type { OutcomeReport } from "../../contracts/outcomes.ts";
import type * as Rpc from "../../contracts/platform-rpc.ts";
import { liveViewerHeader, platformViewerSchema } from "../../contracts/live-viewer.ts";
import type { Outcome, OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { AdminSession, OpenSession } from "../../contracts/platform-sessions.ts";
import type { Switch, SwitchActor } from "../../contracts/switches.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { parseSchedulingSettings } from "../../env.ts";
import { watchSocket } from "../live/socket-deadline.ts";
import { type ObjectPorts, systemPorts } from "../object-ports.ts";
import { rpcStub } from "../rpc-stub.ts";
import { migrateSchema } from "../schema-version.ts";
import type { Transaction } from "../transactions.ts";
import { createPlatformParts, type PlatformParts } from "./platform-parts.ts";
import { platformMigrations } from "./schema.ts";

export class PlatformObject extends DurableObject<Env> implements Rpc.PlatformRpc {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #settingSwitches: readonly Switch[];
  readonly #organization: (organizationId: string) => OrganizationRpc;
  readonly #parts: PlatformParts;

  /** Throws when the settings are bad. */
  constructor(context: DurableObjectState, env: Env, outside: Partial<ObjectPorts> = {}) {
    super(context, env);
    const { globalSlots, settingSwitches, timings, live } = parseSchedulingSettings(env);
    migrateSchema(context.storage, platformMigrations);
    const given: ObjectPorts = { ...systemPorts, ...outside };
    const ports: ObjectPorts = { ...given, logger: given.logger.with({ component: "platform" }) };
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#settingSwitches = settingSwitches;
    this.#organization = (organizationId) => rpcStub<OrganizationRpc>(env.ORGANIZATIONS, organizationId);
    const organization = this.#organization;
    this.#parts = createPlatformParts({ context, ports, timings, globalSlots, live, organization });
    this.#parts.sockets.resume();
  }

  reportDemand(report: Rpc.DemandReport): Promise<Rpc.DemandReceipt> {
    return this.#change((transaction, { slotDesk }) => slotDesk.takeReport(transaction, report));
  }

  reportModel(report: ModelReport): Promise<void> {
    return this.#change((transaction, { breakerDesk }) => breakerDesk.takeReport(transaction, report));
  }

  reportOutcomes(report: OutcomeReport): Promise<void> {
    return this.#change((transaction, { outcomeDesk }) => outcomeDesk.takeReport(transaction, report));
  }

  readTerms(organizationId: string): Promise<Terms> {
    return this.#answer(({ directory }) => directory.terms(organizationId));
  }

  /** Throws when a limit or the repository's name is not valid. */
  putOrganization(command: Rpc.PutOrganization): Promise<Rpc.OrganizationEntry> {
    return this.#change((transaction, { organizations, entryOf }) => entryOf(organizations.set(transaction, command)));
  }

  readOrganization(organizationId: string): Promise<Rpc.OrganizationEntry | null> {
    return this.#answer(({ directory, entryOf }) => {
      const entry = directory.find(organizationId);
      return entry === null ? null : entryOf(entry);
    });
  }

  readSwitches(organizationId: string | null): Promise<readonly Switch[]> {
    return this.#answer(({ switchboard }) => [...this.#settingSwitches, ...switchboard.list(organizationId)]);
  }

  setSwitch(command: Rpc.SetSwitch): Promise<Outcome<Rpc.SwitchReceipt>> {
    return this.#change((transaction, { switches }) => switches.setOnce(transaction, command));
  }

  removeSwitch(command: Rpc.RemoveSwitch): Promise<Outcome<Switch>> {
    return this.#change((transaction, { switches }) => switches.remove(transaction, command));
  }

  administer(command: Rpc.AdminCommand): Promise<Outcome<readonly Switch[]>> {
    return this.#change((transaction, { switches }) => switches.administer(transaction, command));
  }

  readAudit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#answer(({ audit }) => audit.list(query));
  }

  openSession(command: OpenSession): Promise<AdminSession> {
    return this.#change((transaction, { sessions }) => sessions.open(transaction, command));
  }

  findSession(secretHash: string): Promise<AdminSession | null> {
    return this.#answer(({ sessions }) => sessions.find(secretHash, this.#clock.nowMs()));
  }

  listSessions(): Promise<readonly AdminSession[]> {
    return this.#answer(({ sessions }) => sessions.list(this.#clock.nowMs()));
  }

  endSession({ sessionId, actor }: { readonly sessionId: string; readonly actor: SwitchActor }): Promise<boolean> {
    return this.#change((transaction, { sessions }) => sessions.end(transaction, sessionId, actor));
  }

  recordHealth(sample: Rpc.HealthSample): Promise<void> {
    return this.#change((transaction, { health, log }) => {
      health.record(sample);
      log.append(transaction, { type: "health.sampled", data: { sample } });
    });
  }

  readHealth(limit: number): Promise<readonly Rpc.HealthSample[]> {
    return this.#answer(({ health }) => health.list(limit));
  }

  readStatus(): Promise<Rpc.PlatformStatus> {
    return this.#answer(({ status }) => status());
  }

  wakeOverdue(olderThanMs: number): Promise<number> {
    return this.#change((transaction, { demands }) => {
      const silent = demands.silentSince(this.#clock.nowMs() - olderThanMs);
      for (const organizationId of silent) {
        transaction.afterCommit("check in", () => this.#organization(organizationId).checkIn({ organizationId }));
      }
      return silent.length;
    });
  }

  /** Only the upgrade of an operator's live socket; what he has seen stands in an internal header that the edge writes. */
  override fetch(request: Request): Response {
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") return new Response(null, { status: 426 });
    const viewer = platformViewerSchema.parse(JSON.parse(request.headers.get(liveViewerHeader) ?? "null"));
    const { sockets, transactions } = this.#parts;
    const answer = sockets.accept(viewer);
    transactions.run((transaction) => watchSocket(transaction, viewer.closesAtMs));
    return answer;
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#parts.sockets.receive(socket, message);
  }

  /** Completes the closing handshake, which a hibernating socket does not do by itself; the other side waits for it. */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  override webSocketError(_socket: WebSocket, error: unknown): void {
    this.#logger.info("socket.failed", { error: describeError(error) });
  }

  override alarm(): void {
    this.#parts.handleDue();
  }

  /** Runs `work` at once; a throw rejects the promise, as the RPC expects. */
  #answer<Result>(work: (parts: PlatformParts) => Result): Promise<Result> {
    return new Promise((resolve) => {
      resolve(work(this.#parts));
    });
  }

  #change<Result>(work: (transaction: Transaction, parts: PlatformParts) => Result): Promise<Result> {
    return this.#answer((parts) => parts.transactions.run((transaction) => work(transaction, parts)));
  }
}
