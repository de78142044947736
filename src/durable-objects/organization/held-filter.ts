import type { HeldJobs } from "../../contracts/switch-evaluation.ts";

/** A condition to be put after others of a query over `jobs`, with the values that it binds. */
export interface JobFilter {
  readonly sql: string;
  readonly bindings: readonly string[];
}

/** Leaves out the jobs that switches hold. Without any the query stays as it is, and as cheap. */
export function heldFilter(held: HeldJobs): JobFilter {
  if (held.kind === "none") return { sql: "", bindings: [] };
  if (held.kind === "all") return { sql: " AND 0", bindings: [] };
  const agent = "json_extract(state, '$.record.agentType')";
  return {
    sql: ` AND NOT (
      ${agent} IN (SELECT value FROM json_each(?))
      OR substr(${agent}, 1, instr(${agent} || '.', '.') - 1) IN (SELECT value FROM json_each(?))
      OR json_extract(state, '$.record.model') IN (SELECT value FROM json_each(?)))`,
    bindings: [held.agents, held.modules, held.models].map((values) => JSON.stringify(values)),
  };
}
