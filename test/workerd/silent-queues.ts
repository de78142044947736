/** Queues that never answer a send: what must not wait for a queue goes on beside them. */

/** Organizations whose id begins so have such queues. */
export const silentQueuesPrefix = "silent-queues-";

function never<Answer>(): Promise<Answer> {
  return new Promise<Answer>(() => undefined);
}

const silentQueue: Queue = { metrics: never, send: never, sendBatch: never };

export function withSilentQueues(env: Env): Env {
  return { ...env, AGENT_JOBS_0: silentQueue, AGENT_RECORDS: silentQueue, AGENT_EFFECTS: silentQueue };
}
