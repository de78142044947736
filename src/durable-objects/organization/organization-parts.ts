/** Wires the plain parts of an organization together; the object's class is the adapter around them. */
import type { ObjectPorts } from "../object-ports.ts";
import { Transactions } from "../transactions.ts";
import { createChangeHooks } from "./change-hooks.ts";
import { Changes } from "./change.ts";
import { Completion } from "./completion.ts";
import { type DeadlineParts, handleDeadline } from "./deadline-handling.ts";
import { DemandReporter } from "./demand-reporter.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Failures } from "./failures.ts";
import { IssueCommands } from "./issue-commands.ts";
import { JobControl } from "./job-control.ts";
import type { OrganizationOptions } from "./organization-options.ts";
import { createOutlets } from "./organization-outlets.ts";
import { createOrganizationTables } from "./organization-tables.ts";
import { ModelHealth } from "./model-health.ts";
import { PeopleDesk } from "./people-desk.ts";
import { OutcomeReporter } from "./outcome-reporter.ts";
import { Replays } from "./replays.ts";
import { createReviewing } from "./reviewing.ts";
import { RunningJobs } from "./running-jobs.ts";
import { Settlements } from "./settlements.ts";
import { Slices } from "./slices.ts";
import { createStartRules } from "./start-rules.ts";
import { SwitchEnforcer } from "./switch-enforcer.ts";
import { Waiting } from "./waiting.ts";
import { WorkClearing } from "./work-clearing.ts";

export type OrganizationParts = ReturnType<typeof createOrganizationParts>;

/** Makes the parts over an object's storage, whose schema is up to date. */
export function createOrganizationParts(options: OrganizationOptions) {
  const { context, organizationId, timings } = options;
  const { storage } = context;
  const logger = options.ports.logger.with({ component: "organization", organizationId });
  const ports: ObjectPorts = { ...options.ports, logger };
  const { random } = ports;

  const tables = createOrganizationTables(storage, organizationId, ports);
  const {
    memory,
    log,
    issues,
    jobs,
    keys,
    attempts,
    steps,
    workspaces,
    artifacts,
    reviewTable,
    effectTable,
    conversation,
    archive,
    terms,
  } = tables;
  const { budget, switchGuard, guards, startLimits, heldJobs } = createStartRules(options, tables, (order) =>
    clearing.isUnderWay(order),
  );
  const transactions = new Transactions({ context, ports, faultDelayMs: timings.resendAfterMs, memory });
  const { sockets, control, retention, feed } = createOutlets({ ...options, ports }, tables);
  const reporter = new DemandReporter({
    sql: storage.sql,
    memory,
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
  const modelHealth = new ModelHealth({ organizationId, terms, platform: options.platform });
  const slices = new Slices({
    issues,
    jobs,
    attempts,
    steps,
    workspaces,
    artifacts,
    dispatcher,
    budget,
    modelHealth,
    timings,
    noteHeard: (change, job, messageIds) => people.noteHeard(change, job, messageIds),
    hasHeard: (job, messageIds) => people.hasHeard(job, messageIds),
    owesSlot: () => reporter.takeOwedSlot(),
  });
  const people = new PeopleDesk({
    issues,
    jobs,
    conversation,
    slices,
    dispatcher,
    messageAnswers: tables.messageAnswers,
    questionExpiresAfterMs: options.questionExpiresAfterMs,
    cancelIssue: (change, issueId, author) => commands.cancel(change, issueId, author, "cancel"),
  });
  const failures = new Failures({
    jobs,
    slices,
    attempts,
    workspaces,
    artifacts,
    dispatcher,
    modelHealth,
    allowedModels: () => terms.current().limits.models,
    isOutOfReach: (model) => terms.current().breakers.some((breaker) => breaker.model === model),
    random,
  });
  const { effectSender, effects, reviews } = createReviewing(options, tables, { switchGuard, budget });
  const completion = new Completion({
    issues,
    jobs,
    workspaces,
    artifacts,
    conversation,
    terms,
    slices,
    dispatcher,
    reviews,
    budget,
  });
  const jobControl = new JobControl({ issues, jobs, attempts, workspaces, artifacts, dispatcher, budget });
  const replays = new Replays({
    issues,
    jobs,
    attempts,
    steps,
    workspaces,
    reviewTable,
    effectTable,
    budget,
    people,
    allowedModels: () => terms.current().limits.models,
  });
  const commands: IssueCommands = new IssueCommands({
    archive,
    issues,
    jobs,
    effectTable,
    effects,
    reviews,
    people,
    jobControl,
    replays,
  });
  const runningJobs = new RunningJobs({ jobs, jobControl, commands });
  const settlements = new Settlements({
    jobs,
    commit: (change, job, usage) => budget.commitEstimated(change, job, usage),
  });

  const waiting = new Waiting({
    issues,
    jobs,
    keys,
    concurrencyLimit: () => startLimits().concurrencyLimit,
    globalSlots: options.globalSlots,
    holdOf: (record, nowMs) => switchGuard.waitingHold(record, nowMs) ?? (budget.blocksStarts(nowMs) ? "budget" : null),
  });

  const clearing: WorkClearing = new WorkClearing({ storage, commands });
  const enforcer = new SwitchEnforcer({
    terms,
    guard: switchGuard,
    jobs,
    dispatcher,
    effectSender,
    runningJobs,
    clearing,
  });

  const outcomes = new OutcomeReporter({
    sql: storage.sql,
    organizationId,
    jobs,
    timings,
    platform: options.platform,
    onHeard: (counts) => changes.run((change) => outcomes.acknowledge(change, counts)),
  });
  const hooks = createChangeHooks({
    tables,
    enforcer,
    dispatcher,
    budget,
    waiting,
    reporter,
    outcomes,
    feed,
    sockets,
    control,
    logger,
  });
  const changes = new Changes(transactions, log, hooks);

  const deadlineParts: DeadlineParts = {
    sql: storage.sql,
    issues,
    jobs,
    dispatcher,
    failures,
    settlements,
    reviews,
    people,
    enforcer,
    effects,
    effectSender,
    feed,
    retention,
    reporter,
    outcomes,
    sockets,
  };
  /** Acts on whatever is due. */
  const handleDue = (): void =>
    transactions.handleDue((deadline) =>
      changes.run((change) => {
        change.deadlines.clear(deadline.name);
        handleDeadline(change, deadlineParts, deadline);
      }),
    );

  return {
    ...tables,
    transactions,
    logger,
    sql: storage.sql,
    guards,
    ceilings: options.ceilings,
    retention,
    switchGuard,
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
    people,
    waiting,
    commands,
    runningJobs,
    settlements,
    handleDue,
  };
}
