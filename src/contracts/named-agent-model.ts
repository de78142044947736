/** On which model an agent works that the caller named: a pure function, for admission and for estimates of it. */
import { bestModel } from "./terms.ts";
import type { ModelName } from "./models.ts";

export interface NamedAgentModel {
  readonly model: ModelName;
  /** Stored with the job. */
  readonly modelReason: string;
}

/** The model that the caller asked for, else sonnet, haiku or the best that the organization may use. */
export function modelOfNamedAgent(requestedModel: ModelName | null, allowed: readonly ModelName[]): NamedAgentModel {
  if (requestedModel !== null) return { model: requestedModel, modelReason: "named by the caller" };
  const model = allowed.includes("sonnet") ? "sonnet" : allowed.includes("haiku") ? "haiku" : bestModel(allowed);
  return { model, modelReason: "default of the tier for an agent that the caller named" };
}
