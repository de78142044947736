/** The real Worker, but for its objects' queues: each message is sent, and so delivered, twice. */
import { OrganizationObject as RealOrganizationObject } from "../../src/worker.ts";

export { default, PlatformObject, RepositoryObject } from "../../src/worker.ts";

/** Sends whatever goes to one queue to another one as well. */
function doubled(queue: Queue, other: Queue): Queue {
  return {
    metrics: () => queue.metrics(),
    send: async (body, options) => {
      await other.send(body, options);
      return queue.send(body, options);
    },
    sendBatch: async (messages, options) => {
      const copies = [...messages];
      await other.sendBatch(copies, options);
      return queue.sendBatch(copies, options);
    },
  };
}

/** The second copy of a job goes to another lane: both are delivered at the same time. */
function doubledLane(lanes: readonly (Queue | undefined)[], number: number): Queue {
  const [queue, other] = [lanes[number], lanes[(number + lanes.length / 2) % lanes.length]];
  if (queue === undefined || other === undefined) throw new Error("the local configuration has ten lanes");
  return doubled(queue, other);
}

function withDoubledQueues(env: Env): Env {
  const lanes = [
    env.AGENT_JOBS_0,
    env.AGENT_JOBS_1,
    env.AGENT_JOBS_2,
    env.AGENT_JOBS_3,
    env.AGENT_JOBS_4,
    env.AGENT_JOBS_5,
    env.AGENT_JOBS_6,
    env.AGENT_JOBS_7,
    env.AGENT_JOBS_8,
    env.AGENT_JOBS_9,
  ];
  return {
    ...env,
    AGENT_JOBS_0: doubledLane(lanes, 0),
    AGENT_JOBS_1: doubledLane(lanes, 1),
    AGENT_JOBS_2: doubledLane(lanes, 2),
    AGENT_JOBS_3: doubledLane(lanes, 3),
    AGENT_JOBS_4: doubledLane(lanes, 4),
    AGENT_RECORDS: doubled(env.AGENT_RECORDS, env.AGENT_RECORDS),
    AGENT_EFFECTS: doubled(env.AGENT_EFFECTS, env.AGENT_EFFECTS),
  };
}

export class OrganizationObject extends RealOrganizationObject {
  constructor(context: DurableObjectState, env: Env) {
    super(context, withDoubledQueues(env));
  }
}
