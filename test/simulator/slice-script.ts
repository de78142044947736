/** The jobs consumer of the simulation: claims, works through a few steps, and ends in one of the ways a slice can end. */
import type { MessageRecord } from "../../src/contracts/conversation.ts";
import type {
  Assignment,
  Checkpoint,
  EpochAnswer,
  FailCommand,
  OrganizationRpc,
} from "../../src/contracts/organization-rpc.ts";
import type { JobMessage } from "../../src/contracts/queue-messages.ts";
import { type Outside, repeated } from "./caller.ts";
import type { Settlement } from "./message-queue.ts";
import {
  checkpointAfterStep,
  checkpointOfHearing,
  finishOf,
  noUsage,
  promptOf,
  questionOf,
  stepCostMaxMicroUsd,
  stepsOfJob,
} from "./slice-content.ts";

const heartbeatMs = 5_000;
/** Longer than a lease. */
const stallMs = { low: 16_000, high: 45_000 };

/** A slice that is over, told in one word to those who wait for it. */
type Fate = "reported" | "refused" | "died";

class Slice {
  readonly #outside: Outside;
  readonly #assignment: Assignment;
  readonly #organization: OrganizationRpc;
  /** A zombie has stopped renewing, and goes on whatever it is answered. */
  #isZombie = false;
  #isOver = false;
  /** What people have said and no agent has heard, as far as the slice has been told. */
  #unheard: readonly MessageRecord[];

  constructor(outside: Outside, assignment: Assignment) {
    this.#outside = outside;
    this.#assignment = assignment;
    this.#unheard = assignment.conversation.messages.filter(({ heardByJobId }) => heardByJobId === null);
    this.#organization = outside.organization(assignment.issue.organizationId);
  }

  async run(): Promise<Fate> {
    void this.#renew();
    try {
      return await this.#work();
    } finally {
      this.#isOver = true;
    }
  }

  get #ref() {
    const { issue, job, epoch } = this.#assignment;
    return { organizationId: issue.organizationId, jobId: job.id, epoch };
  }

  async #renew(): Promise<void> {
    const { scheduler } = this.#outside;
    for (;;) {
      await scheduler.sleep(heartbeatMs);
      if (this.#isOver || this.#isZombie) return;
      await this.#organization.renewLease(this.#ref).catch(() => undefined);
    }
  }

  async #work(): Promise<Fate> {
    const { attempt } = this.#assignment;
    const organization = this.#organization;
    const begin = { ...this.#ref, attempt: attempt.number, ...promptOf(this.#assignment) };
    if (attempt.prompt === null && !(await this.#accepted(() => organization.beginAttempt(begin)))) return "refused";
    for (let number = attempt.stepCount + 1; number <= stepsOfJob; number += 1) {
      const ending =
        (await this.#listen()) ??
        (await this.#ask(number)) ??
        (await this.#reserve(number)) ??
        (await this.#think(number));
      if (ending !== null) return ending;
      const checkpoint = checkpointAfterStep(this.#assignment, number, this.#outside.chance);
      if (!(await this.#saved(checkpoint))) return "refused";
    }
    if ((await this.#listen()) !== null) return "refused";
    const command = finishOf(this.#assignment, this.#outside.chance);
    return (await this.#accepted(() => organization.finish(command))) ? "reported" : "refused";
  }

  /** Hears whatever people have said, as a loop does before each model call and before its end. */
  async #listen(): Promise<Fate | null> {
    while (this.#unheard.length > 0) {
      const ids = this.#unheard.map(({ id }) => id);
      if (!(await this.#saved(checkpointOfHearing(this.#assignment, ids)))) return "refused";
    }
    return null;
  }

  /** Parks the job with its question, if it has one left; an answer lets the next slice go on from here. */
  async #ask(number: number): Promise<Fate | null> {
    const draft = questionOf(this.#assignment, number);
    if (draft === null) return null;
    const ask = { ...this.#ref, attempt: this.#assignment.attempt.number, draft };
    await this.#accepted(() => this.#organization.askPerson(ask));
    return "reported";
  }

  /** Sets aside what the next call may cost; the job's end when there is no money. */
  async #reserve(stepNumber: number): Promise<Fate | null> {
    const organization = this.#organization;
    const command = { ...this.#ref, stepNumber, amountMicroUsd: stepCostMaxMicroUsd };
    const answer = await repeated(this.#outside, () => organization.reserve(command));
    if (answer.kind === "reserved" || this.#isZombie) return null;
    if (answer.kind === "stale") return "refused";
    const error = { reason: "budget", message: "There is no money." };
    const failure = { ...this.#ref, failureClass: "final", error, retryAfterMs: null } as const;
    return (await this.#accepted(() => organization.fail(failure))) ? "reported" : "refused";
  }

  /** A model call, which may be the slice's last. */
  async #think(stepNumber: number): Promise<Fate | null> {
    const { scheduler, chance, faults } = this.#outside;
    const organization = this.#organization;
    await scheduler.sleep(chance.between(200, 8_000));
    if (faults.happens("sliceDies")) return "died";
    if (faults.happens("sliceStalls")) {
      this.#isZombie = true;
      await scheduler.sleep(chance.between(stallMs.low, stallMs.high));
    }
    const { issue, job } = this.#assignment;
    const isTold = this.#outside.signalOf(issue.organizationId, job.id) !== "none";
    if (isTold || faults.happens("sliceYields")) {
      await this.#accepted(() => organization.release({ ...this.#ref, stepNumber }));
      return (await this.#accepted(() => organization.yieldSlice(this.#ref))) ? "reported" : "refused";
    }
    if (faults.happens("sliceFails")) {
      if (chance.happens(0.5)) {
        const usage = chance.happens(0.5) ? noUsage : null;
        await this.#accepted(() => organization.settle({ ...this.#ref, stepNumber, usage }));
      }
      const failure = this.#failure();
      return (await this.#accepted(() => organization.fail(failure))) ? "reported" : "refused";
    }
    return null;
  }

  #failure(): FailCommand {
    const { chance } = this.#outside;
    const failureClass = chance.pick(["transient", "transient", "transient", "permanent", "permanent", "final"]);
    const retryAfterMs = chance.happens(0.3) ? chance.between(1, 20_000) : null;
    const error = { reason: failureClass, message: "Told to fail." };
    return { ...this.#ref, failureClass, error, retryAfterMs };
  }

  async #saved(checkpoint: Checkpoint): Promise<boolean> {
    const answer = await repeated(this.#outside, () => this.#organization.checkpoint(checkpoint));
    this.#unheard = answer.accepted ? answer.unheard : [];
    return answer.accepted || this.#isZombie;
  }

  /** Whether the slice may go on; a zombie does not listen. */
  async #accepted(call: () => Promise<EpochAnswer>): Promise<boolean> {
    const { accepted } = await repeated(this.#outside, call);
    return accepted || this.#isZombie;
  }
}

/** Takes a message of `agent-jobs`. */
export async function consumeJob(outside: Outside, message: JobMessage, attempts: number): Promise<Settlement> {
  const { organizationId, jobId, dispatchId } = message;
  try {
    const answer = await outside.organization(organizationId).claim({ organizationId, jobId, dispatchId });
    if (answer.kind === "stale") return null;
    // The queue delivers again what a consumer died over; whether that counts, the claim says.
    return await new Slice(outside, answer.assignment).run().then((fate) => (fate === "died" ? 30_000 : null));
  } catch {
    return 1_000 * attempts;
  }
}
