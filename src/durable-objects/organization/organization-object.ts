/** The object of one organization: the only writer of its live state. It adapts RPC to the parts, and decides nothing. */
import { DurableObject } from "cloudflare:workers";
import type { EventCursor } from "../../contracts/events.ts";
import { liveViewerHeader, liveViewerSchema } from "../../contracts/live-viewer.ts";
import type * as Rpc from "../../contracts/organization-rpc.ts";
import type { LogRecord, ReviewRecord, StepRecord } from "../../contracts/records.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import { parseSchedulingSettings } from "../../env.ts";
import { createJobSender } from "../job-lanes.ts";
import { type ObjectPorts, systemPorts } from "../object-ports.ts";
import { platformStub } from "../platform-stub.ts";
import { migrateSchema } from "../schema-version.ts";
import { assignmentOf } from "./assignment.ts";
import type { Change } from "./change.ts";
import { createOrganizationParts, type OrganizationParts } from "./organization-parts.ts";
import { issueDetail, ofVisibleIssue, readIssueDetail } from "./organization-reads.ts";
import { organizationMigrations } from "./schema.ts";
import { submitIssue } from "./submission.ts";

type Addressed = { readonly organizationId: string };

export class OrganizationObject extends DurableObject<Env> implements Rpc.OrganizationRpc {
  readonly #organizationId: string;
  readonly #clock: Clock;
  readonly #controlPollMs: number;
  readonly #parts: OrganizationParts;

  /** Throws when it is not addressed by name, or when settings or bindings do not fit together. */
  constructor(context: DurableObjectState, env: Env, outside: Partial<ObjectPorts> = {}) {
    super(context, env);
    const { name } = context.id;
    if (name === undefined) throw new Error("an organization's object is addressed by the organization's id");
    const { globalSlots, settingSwitches, ceilings, reviewExpiresAfterMs, keepProjectedMs, timings, live } =
      parseSchedulingSettings(env);
    migrateSchema(context.storage, organizationMigrations);
    this.#organizationId = name;
    const ports: ObjectPorts = { ...systemPorts, ...outside };
    this.#clock = ports.clock;
    this.#controlPollMs = timings.controlPollMs;
    this.#parts = createOrganizationParts({
      context,
      organizationId: name,
      ports,
      timings,
      globalSlots,
      settingSwitches,
      ceilings,
      reviewExpiresAfterMs,
      keepProjectedMs,
      live,
      sendJob: createJobSender(env, globalSlots),
      sendRecords: async (message) => env.AGENT_RECORDS.send(message),
      sendEffect: async (message) => env.AGENT_EFFECTS.send(message),
      platform: () => platformStub(env.PLATFORM),
    });
    this.#parts.sockets.resume();
  }

  submit(command: Rpc.SubmitCommand): Promise<Rpc.Outcome<Rpc.SubmitReceipt>> {
    return this.#change(command, (change) => submitIssue(change, this.#parts, command));
  }

  readIssue(ref: Rpc.IssueRef): Promise<Rpc.IssueDetail | null> {
    return this.#answer(ref, (parts) => readIssueDetail(parts, ref, this.#clock.nowMs()));
  }

  listUnprojected(query: Rpc.ListQuery): Promise<Rpc.UnprojectedIssues> {
    return this.#answer(query, ({ issues, feed }) => issues.listUnprojected(query, feed.projectedSeq()));
  }

  listSteps(ref: Rpc.IssueRef): Promise<readonly StepRecord[] | null> {
    return this.#answer(ref, (parts) => ofVisibleIssue(parts, ref, (id) => parts.attempts.stepsOfIssue(id)));
  }

  listLogs(ref: Rpc.IssueRef): Promise<readonly LogRecord[] | null> {
    return this.#answer(ref, (parts) => ofVisibleIssue(parts, ref, (id) => parts.artifacts.logsOfIssue(id)));
  }

  listArtifacts(ref: Rpc.IssueRef): Promise<readonly Rpc.ArtifactView[] | null> {
    return this.#answer(ref, (parts) => ofVisibleIssue(parts, ref, (id) => parts.artifacts.viewsOfIssue(id)));
  }

  readBudget(ref: Addressed): Promise<Rpc.BudgetReport> {
    return this.#answer(ref, ({ budget }) => budget.report(this.#clock.nowMs()));
  }

  listReviews(query: Rpc.ReviewQuery): Promise<readonly ReviewRecord[]> {
    return this.#answer(query, ({ reviewTable }) => reviewTable.list(query.status, query.limit));
  }

  readReview(query: Addressed & { readonly reviewId: string }): Promise<Rpc.ReviewDetail | null> {
    return this.#answer(query, ({ reviews }) => reviews.detail(query.reviewId));
  }

  decideReview(decision: Rpc.ReviewDecision): Promise<Rpc.Outcome<ReviewRecord>> {
    return this.#change(decision, (change, { reviews }) => {
      this.#restore(change, decision);
      return reviews.decide(change, decision);
    });
  }

  commandIssue(command: Rpc.IssueCommand): Promise<Rpc.Outcome<Rpc.IssueDetail>> {
    return this.#answer(command, (parts) => {
      const outcome = parts.changes.run((change) => {
        this.#restore(change, command);
        return parts.commands.apply(change, command);
      });
      if (!outcome.ok) return outcome;
      return { ok: true, value: issueDetail(parts, command.issueId, this.#clock.nowMs()) };
    });
  }

  listDeadLetters(query: Rpc.DeadLetterQuery): Promise<readonly Rpc.DeadLetter[]> {
    return this.#answer(query, ({ deadLetters }) => deadLetters.list(query));
  }

  claim(command: Rpc.ClaimCommand): Promise<Rpc.ClaimAnswer> {
    return this.#change(command, (change, parts) => {
      const job = parts.dispatcher.claim(change, command);
      return job === null ? { kind: "stale" } : { kind: "claimed", assignment: assignmentOf(parts, job, change.nowMs) };
    });
  }

  renewLease(ref: Rpc.EpochRef): Promise<Rpc.EpochAnswer> {
    return this.#accept(ref, (change, { slices }) => slices.renew(change, ref));
  }

  async control(query: Rpc.ControlQuery): Promise<Rpc.ControlSignal> {
    this.#assertAddressed(query);
    return this.#parts.control.wait(query, this.#controlPollMs);
  }

  beginAttempt(command: Rpc.BeginAttempt): Promise<Rpc.EpochAnswer> {
    return this.#accept(command, (change, { slices }) => slices.beginAttempt(change, command));
  }

  checkpoint(checkpoint: Rpc.Checkpoint): Promise<Rpc.EpochAnswer> {
    return this.#accept(checkpoint, (change, { slices }) => slices.checkpoint(change, checkpoint));
  }

  reserve(command: Rpc.ReserveCommand): Promise<Rpc.ReserveAnswer> {
    return this.#change(command, (change, { budget }) => budget.reserve(change, command));
  }

  release(ref: Rpc.CallRef): Promise<Rpc.EpochAnswer> {
    return this.#accept(ref, (change, { budget }) => budget.release(change, ref));
  }

  streamText(ref: Rpc.EpochRef & { readonly text: string }): Promise<{ readonly watched: boolean }> {
    return this.#answer(ref, ({ slices, sockets }) => {
      const job = slices.held(ref);
      if (job === null) return { watched: false };
      const { issueId } = job.record;
      return { watched: sockets.publishText({ kind: "text", issueId, jobId: ref.jobId, text: ref.text }) };
    });
  }

  finish(command: Rpc.FinishCommand): Promise<Rpc.EpochAnswer> {
    return this.#accept(command, (change, { completion }) => completion.finish(change, command));
  }

  fail(command: Rpc.FailCommand): Promise<Rpc.EpochAnswer> {
    return this.#accept(command, (change, { failures }) => failures.fail(change, command));
  }

  settle(command: Rpc.SettleCommand): Promise<Rpc.EpochAnswer> {
    return this.#accept(command, (change, { settlements }) => settlements.settle(change, command));
  }

  yieldSlice(ref: Rpc.EpochRef): Promise<Rpc.EpochAnswer> {
    return this.#accept(ref, (change, { slices }) => slices.yieldSlice(change, ref));
  }

  claimEffect(ref: Rpc.EffectRef): Promise<Rpc.EffectClaim> {
    return this.#change(ref, (change, { effects }) => effects.claim(change, ref));
  }

  renewEffect(ref: Rpc.EffectRef & { readonly epoch: number }): Promise<Rpc.EpochAnswer> {
    return this.#accept(ref, (change, { effects }) => effects.renew(change, ref));
  }

  finishEffect(outcome: Rpc.EffectOutcome): Promise<Rpc.EpochAnswer> {
    return this.#accept(outcome, (change, { effects }) => effects.finish(change, outcome));
  }

  readEvents(query: Rpc.EventsQuery): Promise<Rpc.EventPage> {
    return this.#answer(query, ({ log, feed }) => {
      feed.noteRead();
      return log.page(query.after, query.limit);
    });
  }

  readBodies(query: Rpc.BodiesQuery): Promise<Readonly<Record<string, string>>> {
    return this.#answer(query, ({ artifacts }) => artifacts.bodies(query.bodyIds));
  }

  confirmProjected(cursor: Addressed & EventCursor): Promise<void> {
    return this.#change(cursor, (change, { feed }) => feed.confirm(change, cursor));
  }

  grantSlot(grant: Rpc.SlotGrant): Promise<{ readonly accepted: boolean }> {
    return this.#change(grant, (change, { dispatcher }) => {
      const { slotId, slotNumber } = grant;
      return { accepted: dispatcher.grant(change, { slotId, slotNumber }) };
    });
  }

  confirmSlots(query: Addressed & { readonly slotIds: readonly string[] }): Promise<readonly string[]> {
    return this.#answer(query, ({ jobs }) => query.slotIds.filter((slotId) => jobs.findBySlot(slotId) !== null));
  }

  applyTerms(terms: Terms): Promise<void> {
    return this.#change(terms, (_change, parts) => {
      parts.terms.accept(terms);
    });
  }

  checkIn(ref: Addressed): Promise<void> {
    return this.#change(ref, (change, { reporter }) => reporter.report(change)).then(() => this.#parts.handleDue());
  }

  /** Only the upgrade of a live socket; who opens it stands in an internal header that the edge writes. */
  override fetch(request: Request): Response {
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") return new Response(null, { status: 426 });
    const viewer = liveViewerSchema.parse(JSON.parse(request.headers.get(liveViewerHeader) ?? "null"));
    this.#assertAddressed(viewer);
    return this.#parts.sockets.accept(viewer);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#parts.sockets.receive(socket, message);
  }

  /** Completes the closing handshake, which a hibernating socket does not do by itself; the other side waits for it. */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  override webSocketError(_socket: WebSocket, error: unknown): void {
    this.#parts.logger.info("socket.failed", { error: describeError(error) });
  }

  override alarm(): void {
    this.#parts.handleDue();
  }

  #assertAddressed({ organizationId }: Addressed): void {
    if (organizationId !== this.#organizationId) {
      throw new Error("a call for one organization came to the object of another");
    }
  }

  /** Brings back the issue that a command came with, if it has left; what the command does not change leaves again. */
  #restore(change: Change, { archived }: Rpc.Archivable): void {
    if (archived === undefined) return;
    this.#assertAddressed(archived.issue);
    const { archive, retention } = this.#parts;
    if (archive.restore(archived)) retention.noteRestored(change);
  }

  /** Runs `work` at once; a throw rejects the promise, as the RPC expects. */
  #answer<Result>(command: Addressed, work: (parts: OrganizationParts) => Result): Promise<Result> {
    return new Promise((resolve) => {
      this.#assertAddressed(command);
      resolve(work(this.#parts));
    });
  }

  #change<Result>(command: Addressed, work: (change: Change, parts: OrganizationParts) => Result): Promise<Result> {
    return this.#answer(command, (parts) => parts.changes.run((change) => work(change, parts)));
  }

  #accept(command: Addressed, work: (change: Change, parts: OrganizationParts) => boolean): Promise<Rpc.EpochAnswer> {
    return this.#change(command, (change, parts): Rpc.EpochAnswer => ({ accepted: work(change, parts) }));
  }
}
