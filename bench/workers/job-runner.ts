import type { Assignment } from "../../src/contracts/organization-rpc.ts";
import type { ObjectClients } from "../../src/contracts/ports.ts";
import type { JobMessage } from "../../src/contracts/queue-messages.ts";

/** What the benchmark reads of the driver when everything is done. */
export interface Result {
  /** Organizations in the order in which their jobs started. */
  readonly started: readonly string[];
  /** From each call that freed a slot to the arrival of the next dispatch, where one slot was in use. */
  readonly gapsMs: readonly number[];
}

const lineText = "x".repeat(400);

/** Claims and ends jobs. While it is closed, messages only pile up. */
export class JobRunner {
  readonly #held: JobMessage[] = [];
  readonly #started: string[] = [];
  readonly #gapsMs: number[] = [];
  #isOpen = false;
  #finished = 0;
  #lines = 0;
  #freedAtMs: number | null = null;
  #assignment: Assignment | null = null;

  async take(message: JobMessage, clients: ObjectClients): Promise<void> {
    if (this.#freedAtMs !== null) this.#gapsMs.push(performance.now() - this.#freedAtMs);
    this.#freedAtMs = null;
    if (this.#isOpen) await this.#run(message, clients);
    else this.#held.push(message);
  }

  async open(clients: ObjectClients): Promise<void> {
    this.#isOpen = true;
    await Promise.all(this.#held.splice(0).map((message) => this.#run(message, clients)));
  }

  /** How many jobs have ended. */
  finished(): number {
    return this.#finished;
  }

  result(): Result {
    return { started: this.#started, gapsMs: this.#gapsMs };
  }

  /** Has the first job that is held write so many lines, each in a checkpoint, and so an event, of its own. */
  async checkpoint(clients: ObjectClients, { events }: { readonly events: number }): Promise<void> {
    const assignment = (this.#assignment ??= await this.#claimHeld(clients));
    const { issue, job, epoch, attempt } = assignment;
    const calls: Promise<unknown>[] = [];
    for (let sent = 0; sent < events; sent += 1) {
      this.#lines += 1;
      calls.push(
        clients.organization(issue.organizationId).checkpoint({
          organizationId: issue.organizationId,
          jobId: job.id,
          epoch,
          attempt: attempt.number,
          steps: [],
          appendedMessages: [],
          workspace: [],
          artifacts: [],
          logs: [{ level: "INFO", message: `Line ${this.#lines} of the benchmark.`, data: { text: lineText } }],
          heardMessageIds: [],
        }),
      );
    }
    await Promise.all(calls);
  }

  async #claimHeld(clients: ObjectClients): Promise<Assignment> {
    const message = this.#held.shift();
    if (message === undefined) throw new Error("no dispatch has come");
    const answer = await clients.organization(message.organizationId).claim(message);
    if (answer.kind === "stale") throw new Error("the claim was stale");
    return answer.assignment;
  }

  async #run(message: JobMessage, clients: ObjectClients): Promise<void> {
    const { organizationId, jobId } = message;
    const organization = clients.organization(organizationId);
    const answer = await organization.claim(message);
    if (answer.kind === "stale") return;
    this.#started.push(organizationId);
    const { epoch } = answer.assignment;
    this.#freedAtMs = performance.now();
    const outcome = { role: "work", summary: "Done." } as const;
    await organization.finish({ organizationId, jobId, epoch, outcome, artifacts: [] });
    this.#finished += 1;
  }
}
