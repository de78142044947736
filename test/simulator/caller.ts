/** How a consumer calls objects: again when the answer is lost, as it may do with every call that it makes. */
import type { OrganizationRpc } from "../../src/contracts/organization-rpc.ts";
import type { PlatformRpc } from "../../src/contracts/platform-rpc.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

/** What everyone outside of the objects works with. */
export interface Outside {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly organization: (organizationId: string) => OrganizationRpc;
  readonly platform: () => PlatformRpc;
  /** What a slice of the job has been told; stands for its `control` call, which is about memory and real time. */
  readonly signalOf: (organizationId: string, jobId: string) => "none" | "pause" | "yield";
}

const repetitions = 4;
const firstWaitMs = 200;

/** Makes a call up to five times; throws the last error. */
export async function repeated<Answer>({ scheduler, chance }: Outside, call: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === repetitions) throw error;
      await scheduler.sleep(firstWaitMs * 2 ** tries * (1 + chance.next()));
    }
  }
}
