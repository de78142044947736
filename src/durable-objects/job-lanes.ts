/** The queues that jobs are sent to. */
import type { JobMessage } from "../contracts/queue-messages.ts";

type LaneName = `AGENT_JOBS_${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

/** The bindings: one queue, or `AGENT_LANES` of them where a queue runs one batch at a time. */
export type JobQueueBindings = { readonly [Name in LaneName | "AGENT_JOBS"]?: Queue } & {
  readonly AGENT_LANES?: string;
};

const laneNames: readonly LaneName[] = [
  "AGENT_JOBS_0",
  "AGENT_JOBS_1",
  "AGENT_JOBS_2",
  "AGENT_JOBS_3",
  "AGENT_JOBS_4",
  "AGENT_JOBS_5",
  "AGENT_JOBS_6",
  "AGENT_JOBS_7",
  "AGENT_JOBS_8",
  "AGENT_JOBS_9",
];

export type SendJob = (slotNumber: number, message: JobMessage) => Promise<unknown>;

/**
 * A sender that picks the lane by the slot's number. Throws when the queues that the settings speak of are not bound, or
 * when there are more slots than lanes: two slots in one lane would run one after the other.
 */
export function createJobSender(bindings: JobQueueBindings, globalSlots: number): SendJob {
  if (bindings.AGENT_LANES === undefined) {
    const queue = bindings.AGENT_JOBS;
    if (queue === undefined) throw new Error("the queue AGENT_JOBS is not bound");
    return async (_slotNumber, message) => queue.send(message);
  }
  const laneCount = Number(bindings.AGENT_LANES);
  const lanes = laneNames.slice(0, laneCount).flatMap((name) => bindings[name] ?? []);
  if (lanes.length !== laneCount)
    throw new Error(`AGENT_LANES is ${bindings.AGENT_LANES}, but ${lanes.length} are bound`);
  if (globalSlots > laneCount) throw new Error(`${globalSlots} global slots do not fit into ${laneCount} lanes`);
  return async (slotNumber, message) => {
    const lane = lanes[slotNumber];
    if (lane === undefined) throw new Error(`slot ${slotNumber} has no lane`);
    return lane.send(message);
  };
}
