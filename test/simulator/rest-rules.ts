/** Who holds a slot: whatever runs, between two slices too, and nothing that rests or has ended. */
import type { ObjectHost } from "./object-host.ts";

const misplaced = `
  SELECT id, status FROM jobs
  WHERE status = 'RUNNING' AND slot_id IS NULL OR slot_id IS NOT NULL AND status NOT IN ('PENDING', 'RUNNING')`;

export interface RestRulesParts {
  readonly host: ObjectHost;
  readonly report: (problem: string) => void;
}

export class RestRules {
  readonly #parts: RestRulesParts;
  #writes = -1;

  constructor(parts: RestRulesParts) {
    this.#parts = parts;
  }

  /** Looks at the jobs that a change has left. */
  committed(): void {
    const { host, report } = this.#parts;
    const writes = host.disk.writesTo("jobs");
    if (writes === this.#writes) return;
    this.#writes = writes;
    for (const { id, status } of host.disk.query<{ id: string; status: string }>(misplaced))
      report(`${id} is ${status} ${status === "RUNNING" ? "without" : "with"} a slot`);
  }
}
