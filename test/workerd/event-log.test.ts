/** The log remembers its last number; what is rolled back must not stay remembered. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import type { NewEvent } from "../../src/contracts/events.ts";
import { systemPorts } from "../../src/durable-objects/object-ports.ts";
import { EventLog } from "../../src/durable-objects/organization/event-log.ts";
import { StorageMemory } from "../../src/durable-objects/storage-memory.ts";
import { Transactions } from "../../src/durable-objects/transactions.ts";
import { mintOrganizationId } from "./organization-driver.ts";

const event: NewEvent = {
  type: "job.slice_started",
  issueId: "iss_1",
  jobId: "job_1",
  data: { epoch: 1, dispatchId: "dsp_1" },
};

test("events of a transaction that throws leave no gap", async () => {
  const stub = env.ORGANIZATIONS.getByName(mintOrganizationId());
  await runInDurableObject(stub, (_object, context) => {
    const memory = new StorageMemory(context.storage);
    const log = new EventLog(context.storage, memory, "inc_test");
    const transactions = new Transactions({
      context,
      ports: systemPorts,
      faultDelayMs: 1_000,
      memory,
    });
    const append = () => transactions.run(({ nowMs }) => log.append(event, nowMs).seq);

    expect(append()).toBe(1);
    const failing = () =>
      transactions.run(({ nowMs }) => {
        expect(log.append(event, nowMs).seq).toBe(2);
        expect(log.append(event, nowMs).seq).toBe(3);
        throw new Error("the work failed");
      });
    expect(failing).toThrow("the work failed");
    expect(log.lastSeq()).toBe(1);
    expect(append()).toBe(2);
    expect(log.after(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});
