/** What the edge knows of agents, without knowing how they work. */
import type { JobCeilings } from "./ceilings.ts";
import type { ModelName } from "./models.ts";
import type { IssuePriority, IssueType } from "./status.ts";
import type { OrganizationLimits, Terms } from "./terms.ts";

/** An agent that an organization may have work on its issues. */
export interface AgentSummary {
  readonly id: string;
  readonly name: string;
  readonly module: string;
  readonly description: string;
  readonly defaultModel: ModelName;
  readonly tools: readonly string[];
  readonly ceilings: JobCeilings;
  readonly version: string;
}

export interface PlanRequest {
  readonly type: IssueType;
  readonly title: string;
  readonly description: string;
  readonly priority: IssuePriority;
  readonly agentType: string | null;
  readonly model: ModelName | null;
  readonly maxCostMicroUsd: number | null;
}

/** Who would work on an issue, on which model, and what that takes. */
export interface WorkPlan {
  readonly agentType: string;
  readonly model: ModelName;
  readonly modelReason: string;
  /** `triage`: a triage job decides in the end, and may decide otherwise; this is what its rules say. */
  readonly decidedBy: "caller" | "triage";
  readonly ceilings: JobCeilings;
  /** From the typical number of steps for such an issue, and what a typical step costs and takes. */
  readonly typical: { readonly costMicroUsd: number; readonly durationSeconds: number };
}

export interface AgentPort {
  /** Those that the organization may use. */
  available(allowed: OrganizationLimits["agents"]): readonly AgentSummary[];
  /** Null when the organization may use no agent at all, or not the one that was asked for. */
  plan(request: PlanRequest, terms: Pick<Terms, "limits" | "outcomes">): WorkPlan | null;
}
