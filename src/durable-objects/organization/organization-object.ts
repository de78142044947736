/** The object of one organization: the only writer of its live state. It adapts RPC to the parts, and decides nothing. */
import { DurableObject } from "cloudflare:workers";
import type { EventCursor } from "../../contracts/events.ts";
import type { DecisionEntry } from "../../contracts/audit.ts";
import { liveViewerHeader, liveViewerSchema } from "../../contracts/live-viewer.ts";
import type * as Rpc from "../../contracts/organization-rpc.ts";
import type { FeedbackRecord, IssueRecord, LogRecord, ReviewRecord, StepRecord } from "../../contracts/records.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import { parseSchedulingSettings } from "../../env.ts";
import { createJobSender } from "../job-lanes.ts";
import { watchSocket } from "../live/socket-deadline.ts";
import { type ObjectPorts, systemPorts } from "../object-ports.ts";
import { GroupCommit } from "../group-commit.ts";
import { platformStub } from "../platform-stub.ts";
import { migrateSchema } from "../schema-version.ts";
import { claimJob, newsFor } from "./assignment.ts";
import { type Addressed, OrganizationCalls } from "./organization-calls.ts";
import { giveFeedback } from "./feedback.ts";
import { createOrganizationParts, type OrganizationParts } from "./organization-parts.ts";
import { issueDetail, ofVisibleIssue, readIssueDetail, readUsage } from "./organization-reads.ts";
import { organizationMigrations } from "./schema.ts";
import { readTranscript } from "./transcript-reads.ts";
import { submitIssue } from "./submission.ts";

/** As many as a batch may have. */
const maxSubmissionsTogether = 100;

export class OrganizationObject extends DurableObject<Env> implements Rpc.OrganizationRpc {
  readonly #clock: Clock;
  readonly #controlPollMs: number;
  readonly #parts: OrganizationParts;
  readonly #globalSlots: number;
  readonly #calls: OrganizationCalls;
  readonly #submissions: GroupCommit<Rpc.SubmitCommand, Rpc.Outcome<Rpc.SubmitReceipt>>;

  /** Throws when it is not addressed by name, or when settings or bindings do not fit together. */
  constructor(context: DurableObjectState, env: Env, outside: Partial<ObjectPorts> = {}) {
    super(context, env);
    const { name } = context.id;
    if (name === undefined) throw new Error("an organization's object is addressed by the organization's id");
    const settings = parseSchedulingSettings(env);
    const ports: ObjectPorts = { ...systemPorts, ...outside };
    migrateSchema(context.storage, organizationMigrations);
    this.#clock = ports.clock;
    this.#controlPollMs = settings.timings.controlPollMs;
    this.#parts = createOrganizationParts({
      ...settings,
      context,
      organizationId: name,
      ports,
      sendJob: createJobSender(env, settings.globalSlots),
      sendRecords: async (message) => env.AGENT_RECORDS.send(message),
      sendEffect: async (message) => env.AGENT_EFFECTS.send(message),
      platform: () => platformStub(env.PLATFORM),
    });
    this.#globalSlots = settings.globalSlots;
    this.#calls = new OrganizationCalls(name, this.#parts);
    this.#submissions = new GroupCommit({
      runTogether: (commands) =>
        this.#parts.changes.run((change) => commands.map((command) => submitIssue(change, this.#parts, command))),
      stored: () => context.storage.sync(),
      maxTogether: maxSubmissionsTogether,
    });
    this.#parts.sockets.resume();
  }

  // The edge asks: submissions.

  submit(command: Rpc.SubmitCommand): Promise<Rpc.Outcome<Rpc.SubmitReceipt>> {
    return this.#calls.answer(command, () => this.#submissions.add(command));
  }

  submitBatch(batch: Rpc.BatchCommand): Promise<readonly Rpc.Outcome<Rpc.SubmitReceipt>[]> {
    return this.#calls.change(batch, (change, parts) =>
      batch.commands.map((command) => {
        this.#calls.assertAddressed(command);
        return submitIssue(change, parts, command);
      }),
    );
  }

  readUsage(query: Rpc.UsageQuery): Promise<Rpc.UsageReport> {
    return this.#calls.change(query, (change, parts) => readUsage(change, parts, query, this.#globalSlots));
  }

  countKeyRequest(request: Rpc.KeyRequest): Promise<Rpc.Outcome<null>> {
    // Not a change of the organization: nothing follows from it.
    return this.#calls.answer(request, ({ keyUses }) => keyUses.count(request, this.#clock.nowMs()));
  }

  readBudget(ref: Addressed): Promise<Rpc.BudgetReport> {
    return this.#calls.answer(ref, ({ budget }) => budget.report(this.#clock.nowMs()));
  }

  // The edge asks: reads.

  readIssue(ref: Rpc.IssueRef): Promise<Rpc.IssueDetail | null> {
    return this.#calls.answer(ref, (parts) => readIssueDetail(parts, ref, this.#clock.nowMs()));
  }

  listUnprojected(query: Rpc.ListQuery): Promise<Rpc.UnprojectedPart<IssueRecord>> {
    return this.#calls.answer(query, ({ issues, feed }) => issues.listUnprojected(query, feed.projectedSeq()));
  }

  listSteps(query: Rpc.PartQuery<Rpc.StepPosition>): Promise<Rpc.IssuePart<StepRecord> | null> {
    const { after, limit } = query;
    return this.#calls.answer(query, (parts) =>
      ofVisibleIssue(parts, query, (id) => parts.steps.ofIssue(id, after, limit)),
    );
  }

  listLogs(query: Rpc.PartQuery<string>): Promise<Rpc.IssuePart<LogRecord> | null> {
    const { after, limit } = query;
    return this.#calls.answer(query, (parts) =>
      ofVisibleIssue(parts, query, (id) => parts.artifacts.logsOfIssue(id, after, limit)),
    );
  }

  listArtifacts(query: Rpc.PartQuery<string>): Promise<Rpc.IssuePart<Rpc.ArtifactView> | null> {
    const { after, limit } = query;
    return this.#calls.answer(query, (parts) =>
      ofVisibleIssue(parts, query, (id) => parts.artifacts.viewsOfIssue(id, after, limit)),
    );
  }

  readTranscript(query: Rpc.TranscriptQuery): Promise<Rpc.TranscriptPage | null> {
    return this.#calls.answer(query, (parts) => readTranscript(parts, query));
  }

  listUnprojectedReviews(query: Rpc.ReviewQuery): Promise<Rpc.UnprojectedPart<ReviewRecord>> {
    return this.#calls.answer(query, ({ reviewTable, feed }) =>
      reviewTable.listUnprojected(query, feed.projectedSeq()),
    );
  }

  readReview(query: Addressed & { readonly reviewId: string }): Promise<Rpc.ReviewDetail | null> {
    return this.#calls.answer(query, ({ reviews }) => reviews.detail(query.reviewId));
  }

  listDeadLetters(query: Rpc.DeadLetterQuery): Promise<readonly Rpc.DeadLetter[]> {
    return this.#calls.answer(query, ({ deadLetters }) => deadLetters.list(query));
  }

  readDecisions(query: Rpc.DecisionQuery): Promise<readonly DecisionEntry[]> {
    return this.#calls.answer(query, ({ decisions }) => decisions.list(query));
  }

  // The edge asks: what people decide and say.

  decideReview(decision: Rpc.ReviewDecision): Promise<Rpc.Outcome<ReviewRecord>> {
    return this.#calls.changeRestored(decision, (change, { reviews }) => reviews.decide(change, decision));
  }

  commandIssue(command: Rpc.IssueCommand): Promise<Rpc.Outcome<Rpc.IssueDetail>> {
    return this.#calls.answer(command, (parts) => {
      const outcome = parts.changes.run((change) => {
        this.#calls.restore(change, command);
        return parts.commands.apply(change, command);
      });
      if (!outcome.ok) return outcome;
      return { ok: true, value: issueDetail(parts, command.issueId, this.#clock.nowMs()) };
    });
  }

  giveFeedback(command: Rpc.FeedbackCommand): Promise<Rpc.Outcome<FeedbackRecord>> {
    return this.#calls.changeRestored(command, (change, parts) => giveFeedback(change, parts, command));
  }

  sendMessage(command: Rpc.MessageCommand): Promise<Rpc.Outcome<Rpc.MessageReceipt>> {
    return this.#calls.change(command, (change, { people }) => people.receive(change, command));
  }

  // Slices ask.

  claim(command: Rpc.ClaimCommand): Promise<Rpc.ClaimAnswer> {
    return this.#calls.change(command, (change, parts) => claimJob(change, parts, command));
  }

  renewLease(ref: Rpc.EpochRef): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(ref, (change, { slices }) => slices.renew(change, ref));
  }

  async control(query: Rpc.ControlQuery): Promise<Rpc.ControlSignal> {
    this.#calls.assertAddressed(query);
    return this.#parts.control.wait(query, this.#controlPollMs);
  }

  beginAttempt(command: Rpc.BeginAttempt): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(command, (change, { slices }) => slices.beginAttempt(change, command));
  }

  checkpoint(checkpoint: Rpc.Checkpoint): Promise<Rpc.CheckpointAnswer> {
    return this.#calls.change(checkpoint, (change, parts) => {
      const job = parts.slices.checkpoint(change, checkpoint);
      return job === null ? { accepted: false } : { accepted: true, ...newsFor(parts, job, change.nowMs) };
    });
  }

  askPerson(command: Rpc.AskCommand): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(command, (change, { people }) => people.ask(change, command));
  }

  reserve(command: Rpc.ReserveCommand): Promise<Rpc.ReserveAnswer> {
    return this.#calls.change(command, (change, { budget }) => budget.reserve(change, command));
  }

  release(ref: Rpc.CallRef): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(ref, (change, { budget }) => budget.release(change, ref));
  }

  streamText(ref: Rpc.EpochRef & { readonly text: string }): Promise<{ readonly watched: boolean }> {
    return this.#calls.answer(ref, ({ slices, sockets }) => {
      const job = slices.held(ref);
      if (job === null) return { watched: false };
      const { issueId } = job.record;
      return { watched: sockets.publishText({ kind: "text", issueId, jobId: ref.jobId, text: ref.text }) };
    });
  }

  settle(command: Rpc.SettleCommand): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(command, (change, { settlements }) => settlements.settle(change, command));
  }

  finish(command: Rpc.FinishCommand): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(command, (change, { completion }) => completion.finish(change, command));
  }

  fail(command: Rpc.FailCommand): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(command, (change, { failures }) => failures.fail(change, command));
  }

  yieldSlice(ref: Rpc.EpochRef): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(ref, (change, { slices }) => slices.yieldSlice(change, ref));
  }

  // Effects are carried out.

  claimEffect(ref: Rpc.EffectRef): Promise<Rpc.EffectClaim> {
    return this.#calls.change(ref, (change, { effects }) => effects.claim(change, ref));
  }

  renewEffect(ref: Rpc.EffectRef & { readonly epoch: number }): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(ref, (change, { effects }) => effects.renew(change, ref));
  }

  finishEffect(outcome: Rpc.EffectOutcome): Promise<Rpc.EpochAnswer> {
    return this.#calls.accept(outcome, (change, { effects }) => effects.finish(change, outcome));
  }

  // Postgres is brought up to date.

  readEvents(query: Rpc.EventsQuery): Promise<Rpc.EventPage> {
    return this.#calls.answer(query, ({ log, feed }) => {
      feed.noteRead();
      return log.page(query.after, query.limit);
    });
  }

  readBodies(query: Rpc.BodiesQuery): Promise<Readonly<Record<string, string>>> {
    return this.#calls.answer(query, ({ artifacts }) => artifacts.bodies(query.bodyIds));
  }

  confirmProjected(cursor: Addressed & EventCursor): Promise<void> {
    return this.#calls.change(cursor, (change, { feed }) => feed.confirm(change, cursor));
  }

  // The platform tells.

  grantSlot(grant: Rpc.SlotGrant): Promise<{ readonly accepted: boolean }> {
    return this.#calls.change(grant, (change, { dispatcher }) => {
      const { slotId, slotNumber } = grant;
      return { accepted: dispatcher.grant(change, { slotId, slotNumber }) };
    });
  }

  confirmSlots(query: Addressed & { readonly slotIds: readonly string[] }): Promise<readonly string[]> {
    return this.#calls.answer(query, ({ jobs }) => query.slotIds.filter((slotId) => jobs.findBySlot(slotId) !== null));
  }

  applyTerms(terms: Terms): Promise<void> {
    return this.#calls.change(terms, (_change, parts) => {
      parts.terms.accept(terms);
    });
  }

  checkIn(ref: Addressed): Promise<void> {
    return this.#calls
      .change(ref, (change, { reporter }) => reporter.report(change))
      .then(() => this.#parts.handleDue());
  }

  /** Only the upgrade of a live socket; who opens it stands in an internal header that the edge writes. */
  override fetch(request: Request): Response {
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") return new Response(null, { status: 426 });
    const viewer = liveViewerSchema.parse(JSON.parse(request.headers.get(liveViewerHeader) ?? "null"));
    this.#calls.assertAddressed(viewer);
    const { sockets, transactions, usedTickets } = this.#parts;
    return transactions.run((transaction) => {
      if (viewer.ticket !== null && !usedTickets.use(viewer.ticket, transaction.nowMs)) {
        return new Response(null, { status: 401 });
      }
      watchSocket(transaction, viewer.closesAtMs);
      return sockets.accept(viewer);
    });
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
}
