/** Wires the plain parts of an organization together; the object's class is the adapter around them. */
import type { SubmitReceipt } from "../../contracts/organization-rpc.ts";
import type { PlatformRpc } from "../../contracts/platform-rpc.ts";
import type { EffectMessage, RecordsMessage } from "../../contracts/queue-messages.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { Switch } from "../../contracts/switches.ts";
import type { Timings } from "../../contracts/timings.ts";
import { newId } from "../../core/ids.ts";
import { type Deadline, parseDeadlineName } from "../deadlines.ts";
import type { SendJob } from "../job-lanes.ts";
import type { ObjectPorts } from "../object-ports.ts";
import { Transactions } from "../transactions.ts";
import type { AdmissionCeilings, AdmissionGuards } from "./admission.ts";
import { Archive } from "./archive.ts";
import { ArtifactTable } from "./artifact-table.ts";
import { AttemptTable } from "./attempt-table.ts";
import { BudgetDesk } from "./budget-desk.ts";
import { BudgetTable } from "./budget-table.ts";
import { Changes, type Change } from "./change.ts";
import { Completion } from "./completion.ts";
import { ConcurrencyKeys } from "./concurrency-keys.ts";
import { ControlDesk } from "./control-desk.ts";
import { DeadLetters } from "./dead-letters.ts";
import { DemandReporter } from "./demand-reporter.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EffectDesk } from "./effect-desk.ts";
import { EffectTable } from "./effect-table.ts";
import { EventLog } from "./event-log.ts";
import { logEvents } from "./event-logging.ts";
import { endExpired } from "./expiry.ts";
import { Failures } from "./failures.ts";
import { refreshIssue } from "./issue-status.ts";
import { IssueCommands } from "./issue-commands.ts";
import { IssueTable } from "./issue-table.ts";
import { JobControl } from "./job-control.ts";
import { signalFor } from "./job-state.ts";
import { JobTable } from "./job-table.ts";
import { LiveFeed } from "./live-feed.ts";
import { type LiveSettings, LiveSockets } from "./live-sockets.ts";
import { endPutOff } from "./put-off.ts";
import { ProjectionFeed } from "./projection-feed.ts";
import { forgetExpiredAnswers, RememberedAnswers } from "./remembered-answers.ts";
import { Retention } from "./retention.ts";
import { ReviewDesk } from "./review-desk.ts";
import { ReviewTable } from "./review-table.ts";
import { RunningJobs } from "./running-jobs.ts";
import { Settlements } from "./settlements.ts";
import { Slices } from "./slices.ts";
import { SubmissionTable } from "./submission-table.ts";
import { SwitchEnforcer } from "./switch-enforcer.ts";
import { SwitchGuard } from "./switch-guard.ts";
import { TermsKeeper } from "./terms-keeper.ts";
import { Waiting } from "./waiting.ts";
import { WorkClearing } from "./work-clearing.ts";

export interface OrganizationOptions {
  readonly context: DurableObjectState;
  readonly organizationId: string;
  readonly ports: ObjectPorts;
  readonly timings: Timings;
  readonly globalSlots: number;
  /** Switches that only a deploy can change. */
  readonly settingSwitches: readonly Switch[];
  readonly ceilings: AdmissionCeilings;
  readonly reviewExpiresAfterMs: number;
  /** How long an event is kept after it was projected. */
  readonly keepProjectedMs: number;
  readonly live: LiveSettings;
  readonly sendJob: SendJob;
  readonly sendRecords: (message: RecordsMessage) => Promise<unknown>;
  readonly sendEffect: (message: EffectMessage) => Promise<unknown>;
  readonly platform: () => PlatformRpc;
}

export type OrganizationParts = ReturnType<typeof createOrganizationParts>;

/** Makes the parts over an object's storage, whose schema is up to date. */
export function createOrganizationParts(options: OrganizationOptions) {
  const { context, organizationId, timings } = options;
  const { storage } = context;
  const logger = options.ports.logger.with({ component: "organization", organizationId });
  const ports: ObjectPorts = { ...options.ports, logger };
  const { random } = ports;

  const log = new EventLog(storage, newId("incarnation", ports.clock.nowMs(), random));
  const issues = new IssueTable(storage.sql);
  const jobs = new JobTable(storage.sql);
  const keys = new ConcurrencyKeys(storage.sql, issues);
  const attempts = new AttemptTable(storage.sql);
  const artifacts = new ArtifactTable(storage.sql);
  const reviewTable = new ReviewTable(storage.sql);
  const effectTable = new EffectTable(storage.sql);
  const terms = new TermsKeeper(storage, organizationId);
  const budget = new BudgetDesk({
    jobs,
    issues,
    attempts,
    budget: new BudgetTable(storage.sql),
    limits: () => terms.current().limits,
  });
  const submissions = new SubmissionTable(storage.sql);
  const answers = new RememberedAnswers<SubmitReceipt>(storage.sql, "POST /");
  const guards: AdmissionGuards = {
    switchRefusal: (request, nowMs) => switchGuard.refusal(request, nowMs),
    budgetRefusal: (nowMs) => budget.refusal(nowMs),
  };
  const switchGuard = new SwitchGuard({ organizationId, terms, jobs, settingSwitches: options.settingSwitches });
  const heldJobs = (nowMs: number): HeldJobs =>
    clearing.isUnderWay(terms.current().clear) ? { kind: "all" } : switchGuard.heldJobs(nowMs);
  const limits = () => {
    const { concurrentJobs, weight } = terms.current().limits;
    return { concurrencyLimit: Math.min(concurrentJobs, options.globalSlots), weight };
  };
  /** The same for starting jobs: no slot at all while there is no money. */
  const startLimits = () =>
    budget.blocksStarts(ports.clock.nowMs()) ? { ...limits(), concurrencyLimit: 0 } : limits();

  const transactions = new Transactions({
    context,
    ports,
    faultDelayMs: timings.resendAfterMs,
    onRollback: () => log.forgetLastSeq(),
  });
  const sockets = new LiveSockets({
    context,
    feed: new LiveFeed({ log, issues, jobs }),
    log,
    clock: ports.clock,
    settings: options.live,
    setTimer: ports.setTimer,
    logger,
  });
  const control = new ControlDesk((jobId, epoch) => signalFor(jobs.find(jobId), epoch));
  const archive = new Archive({
    sql: storage.sql,
    issues,
    jobs,
    artifacts,
    reviews: reviewTable,
    effects: effectTable,
  });
  const retention = new Retention({ sql: storage.sql, log, archive, keepProjectedMs: options.keepProjectedMs });
  const feed = new ProjectionFeed({
    kv: storage.kv,
    log,
    organizationId,
    timings,
    send: options.sendRecords,
    onProjected: (transaction, seq) => retention.noteProjected(transaction, seq),
  });
  const reporter = new DemandReporter({
    storage,
    organizationId,
    jobs,
    timings,
    limits: startLimits,
    termsVersion: () => terms.current().version,
    heldJobs,
    platform: options.platform,
    onReceipt: (report, receipt) =>
      changes.run((change) => {
        reporter.acknowledge(change, report, receipt);
        for (const slotId of receipt.lostSlotIds) {
          reporter.forgoSlot(slotId, change.nowMs);
          failures.fence(change, slotId);
        }
      }),
  });

  const dispatcher = new Dispatcher({
    jobs,
    issues,
    timings,
    concurrencyLimit: () => startLimits().concurrencyLimit,
    commitOpenCall: (change, job) => budget.commitEstimated(change, job, null),
    heldJobs,
    isHeld: (job, nowMs) => switchGuard.holdOf(job, nowMs) !== null,
    releaseSlot: (slotId) => reporter.releaseSlot(slotId),
    forgoSlot: (slotId, nowMs) => reporter.forgoSlot(slotId, nowMs),
    wasReleased: (slotId) => reporter.wasReleased(slotId),
    send: options.sendJob,
  });
  const slices = new Slices({ issues, jobs, attempts, artifacts, dispatcher, budget, timings });
  const failures = new Failures({ jobs, slices, dispatcher, random });
  const effects = new EffectDesk({
    issues,
    artifacts,
    effects: effectTable,
    timings,
    isHeld: (nowMs) => switchGuard.pullRequestHold(nowMs) !== null,
    random,
    send: options.sendEffect,
  });
  const reviews = new ReviewDesk({
    issues,
    artifacts,
    reviews: reviewTable,
    terms,
    effects,
    expiresAfterMs: options.reviewExpiresAfterMs,
  });
  const completion = new Completion({ issues, jobs, attempts, artifacts, terms, slices, dispatcher, reviews, budget });
  const jobControl = new JobControl({ issues, jobs, attempts, dispatcher, budget });
  const commands = new IssueCommands({ archive, issues, jobs, effectTable, effects, reviews, jobControl });
  const runningJobs = new RunningJobs({ jobs, jobControl, commands });
  const settlements = new Settlements({
    jobs,
    commit: (change, job, usage) => budget.commitEstimated(change, job, usage),
  });
  const deadLetters = new DeadLetters(storage.sql);

  const waiting = new Waiting({
    sql: storage.sql,
    issues,
    jobs,
    keys,
    concurrencyLimit: () => startLimits().concurrencyLimit,
    globalSlots: options.globalSlots,
    holdOf: (record, nowMs) => {
      if (switchGuard.holdOf(record, nowMs) !== null) return "switch";
      return budget.blocksStarts(nowMs) ? "budget" : null;
    },
  });

  const clearing: WorkClearing = new WorkClearing({ storage, commands });
  const enforcer = new SwitchEnforcer({
    terms,
    guard: switchGuard,
    jobs,
    dispatcher,
    effects,
    runningJobs,
    clearing,
  });

  const changes = new Changes(transactions, log, {
    enforce: (change) => enforcer.enforceNews(change),
    settle: (change, events, touchedIds) => {
      keys.follow(events);
      const parts = { issues, jobs, reviews: reviewTable, effects: effectTable, log };
      for (const issueId of new Set([...events.map((event) => event.issueId), ...touchedIds])) {
        const issue = refreshIssue(change, parts, issueId);
        const hasExpired = endExpired(change, { jobs, dispatcher }, issue);
        keys.releaseEnded(hasExpired ? refreshIssue(change, parts, issueId) : issue);
      }
      budget.refresh(change);
      waiting.settle(change, events, [...touchedIds, ...enforcer.takeConcerned()]);
      reporter.refresh(change);
      feed.refresh(change);
    },
    follow: (events) => deadLetters.follow(events),
    publish: (events) => {
      if (events.length > 0) sockets.resume();
      control.notify(new Set(events.flatMap(({ jobId }) => jobId ?? [])));
      logEvents(logger, events, issues);
    },
  });

  const ifHere = (issueId: string, act: (issue: IssueRecord) => void): void => {
    const issue = issues.find(issueId);
    if (issue !== null) act(issue);
  };
  const onDeadline = (change: Change, deadline: Deadline): void => {
    const { kind, subject } = parseDeadlineName(deadline.name);
    switch (kind) {
      case "dispatch":
        return dispatcher.resend(change, subject, deadline);
      case "lease":
        return failures.expireLease(change, subject);
      case "retry":
        return failures.endBackOff(change, subject);
      case "settle":
        return settlements.expire(change, subject);
      case "review":
        return reviews.expire(change, subject);
      case "switches":
      case "clear":
        return enforcer.enforce(change);
      case "effect-send":
        return effects.resend(change, subject, deadline);
      case "effect-lease":
        return effects.expireLease(change, subject);
      case "answers":
        return forgetExpiredAnswers(storage.sql, change);
      case "not-before":
        return ifHere(subject, (issue) => endPutOff(change, jobs, issue));
      case "expiry":
        return ifHere(subject, ({ id }) => change.touch(id));
      case "records":
        return feed.resend(change, deadline);
      case "prune":
        return retention.prune(change);
      case "report":
        return reporter.resend(change, deadline);
      // Nothing but the refresh that follows every change.
      case "budget":
        return;
      case "renew":
        return reporter.renew(change);
      default:
        throw new Error(`nothing handles the deadline ${deadline.name}`);
    }
  };
  /** Acts on whatever is due. */
  const handleDue = (): void =>
    transactions.handleDue((deadline) =>
      changes.run((change) => {
        change.deadlines.clear(deadline.name);
        onDeadline(change, deadline);
      }),
    );

  return {
    logger,
    sql: storage.sql,
    submissions,
    answers,
    guards,
    ceilings: options.ceilings,
    log,
    issues,
    jobs,
    attempts,
    artifacts,
    reviewTable,
    effectTable,
    archive,
    retention,
    terms,
    switchGuard,
    limits,
    budget,
    changes,
    sockets,
    control,
    feed,
    reporter,
    dispatcher,
    slices,
    failures,
    effects,
    reviews,
    completion,
    waiting,
    commands,
    runningJobs,
    settlements,
    deadLetters,
    handleDue,
  };
}
