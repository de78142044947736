/** Runs agents' jobs with the real consumer and loop, and beside it a loop that does no more than call a model and a tool. */
import Anthropic from "@anthropic-ai/sdk";
import { findAgent } from "../../src/agents/registry.ts";
import type { ObjectClients } from "../../src/contracts/ports.ts";
import type { JobMessage } from "../../src/contracts/queue-messages.ts";
import type { Repository } from "../../src/contracts/terms.ts";
import type { Timings } from "../../src/contracts/timings.ts";
import { systemClock } from "../../src/core/clock.ts";
import { createLogger } from "../../src/core/log.ts";
import { createAnthropicModel } from "../../src/integrations/anthropic/model-port.ts";
import { consumeJobs } from "../../src/queues/jobs.ts";
import { code, commit } from "./code.ts";

/** Those of production. */
const timings: Timings = {
  leaseMs: 15_000,
  heartbeatMs: 5_000,
  resendAfterMs: 30_000,
  resendMaxMs: 600_000,
  objectResendAfterMs: 5_000,
  objectResendMaxMs: 60_000,
  slotLeaseMs: 90_000,
  slotRenewMs: 30_000,
  controlPollMs: 25_000,
  modelCallMaxMs: 240_000,
  sliceMaxMs: 600_000,
  sliceAbortMs: 840_000,
};

/** The benchmark's jobs are longer than any agent's may be. */
Object.assign(findAgent("meta.research") ?? {}, {
  ceilings: { steps: 10_000, tokens: 1e12, runningMs: 1e9, costMicroUsd: 1e12 },
});

/** One slice of the job, as the deployed consumer runs it. Its log is written and thrown away. */
export async function runEngine(modelUrl: string, message: JobMessage, clients: ObjectClients): Promise<void> {
  const ports = {
    objects: clients,
    gitHub: code,
    model: createAnthropicModel({ apiKey: "unused", baseUrl: modelUrl, clock: systemClock }),
    clock: systemClock,
    timings,
    defaultModel: "sonnet",
    logger: createLogger({}, () => undefined),
  } as const;
  const delivered = {
    id: message.dispatchId,
    attempts: 1,
    body: message,
    ack: () => undefined,
    retry: () => undefined,
  };
  await consumeJobs(ports, { queue: "agent-jobs", messages: [delivered] });
}

/** What the bare loop begins with: all that the engine's first request held. */
export interface BareRun {
  readonly modelUrl: string;
  readonly first: Anthropic.MessageStreamParams;
  readonly repository: Repository;
  readonly organizationId: string;
}

/** The bare loop: the history in memory, the SDK's own stream, and the same files read from the same object. */
export async function runBare(run: BareRun, clients: ObjectClients): Promise<void> {
  const client = new Anthropic({ apiKey: "unused", baseURL: run.modelUrl, maxRetries: 0, logLevel: "off" });
  const repository = clients.repository(run.repository);
  const reader = { organizationId: run.organizationId, slug: null, commit };
  const messages = [...run.first.messages];
  for (;;) {
    const answer = await client.messages.stream({ ...run.first, messages }).finalMessage();
    messages.push({ role: "assistant", content: answer.content });
    const results: Anthropic.ToolResultBlockParam[] = [];
    for (const block of answer.content) {
      if (block.type !== "tool_use" || block.name === "finish") continue;
      const file = await repository.readFile({ ...reader, path: String(Reflect.get(Object(block.input), "path")) });
      const content = file?.kind === "text" ? file.text : "";
      results.push({ type: "tool_result", tool_use_id: block.id, content });
    }
    if (results.length === 0) return;
    messages.push({ role: "user", content: results });
  }
}
