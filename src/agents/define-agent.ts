/** What an agent is: data, of which its version is the hash. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { JobCeilings } from "../contracts/ceilings.ts";
import type { ModelName } from "../contracts/models.ts";
import type { JobRole } from "../contracts/records.ts";
import type { ToolName } from "../tools/registry.ts";

/** `tenant` agents work for one organization; `platform` agents are started by platform administrators only. */
type AgentLevel = "tenant" | "platform";

interface AgentSpec {
  readonly id: string;
  readonly name: string;
  readonly module: string;
  readonly level: AgentLevel;
  /** `triage` and `review` agents are the system's own; only `work` agents can be chosen for an issue. */
  readonly role: JobRole;
  /** One sentence for people, and for the triage that chooses. */
  readonly description: string;
  /** What it is asked about, as short phrases; triage by rules compares them with the words. */
  readonly topics: readonly string[];
  readonly defaultModel: ModelName;
  /** Takes over when the job's own model stays out of reach; an agent without one waits. */
  readonly fallbackModel?: ModelName;
  readonly tools: readonly ToolName[];
  /** What one job of the agent may use at most. */
  readonly ceilings: JobCeilings;
  /** Its field and its method; the rules that all agents share are added when the prompt is rendered. */
  readonly prompt: string;
  /** Shape of the final answer of an agent that answers with data; null for one that ends by calling `finish`. */
  readonly answer: z.ZodType | null;
}

export interface AgentDefinition extends AgentSpec {
  /** JSON Schema of `answer`, as the JSON text that is sent. */
  readonly answerSchemaJson: string | null;
  /** Changes whenever anything above changes. */
  readonly version: string;
}

/** Keywords that the Messages API refuses in an output schema. The zod schema still holds them when it parses. */
const refusedKeywords = ["minimum", "maximum", "minLength", "maxLength", "maxItems"] as const;

function answerSchemaJson(schema: z.ZodType): string {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      for (const keyword of refusedKeywords) delete jsonSchema[keyword];
    },
  });
  return JSON.stringify(json);
}

/** Completes a definition with its schema text and version. */
export function defineAgent(spec: AgentSpec): AgentDefinition {
  const { answer, ...data } = spec;
  const schemaJson = answer === null ? null : answerSchemaJson(answer);
  const version = createHash("sha256")
    .update(JSON.stringify([data, schemaJson]))
    .digest("hex")
    .slice(0, 16);
  return { ...spec, answerSchemaJson: schemaJson, version };
}
