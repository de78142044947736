/** The closed list of agents. */
import { briefsAgents } from "./catalog/briefs.ts";
import { metaAgents } from "./catalog/meta.ts";
import type { AgentDefinition } from "./define-agent.ts";

export const agents: readonly AgentDefinition[] = [...metaAgents, ...briefsAgents];

/** The agent that takes whatever nobody else fits. */
export const researchAgentId = "meta.research";

const byId: ReadonlyMap<string, AgentDefinition> = new Map(agents.map((agent) => [agent.id, agent]));

/** The definition of this id; null when there is none. */
export function findAgent(id: string): AgentDefinition | null {
  return byId.get(id) ?? null;
}

/** Agents that an organization may have work on its issues: never the system's own, never platform-level ones. */
export function availableAgents(allowed: "*" | readonly string[]): readonly AgentDefinition[] {
  return agents.filter(
    (agent) => agent.role === "work" && agent.level === "tenant" && (allowed === "*" || allowed.includes(agent.id)),
  );
}
