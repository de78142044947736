/** Switches: what holds, drains, aborts or changes work. Kill switches, feature flags, pause and debug are all switches. */
import { z } from "zod";
import { idPattern } from "../core/ids.ts";
import { modelNameSchema } from "./models.ts";

/** What a switch may turn off as a whole. */
const featureNames = ["pull_requests"] as const;
const featureNameSchema = z.enum(featureNames);
export type FeatureName = z.infer<typeof featureNameSchema>;

const organizationId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/u);
const moduleName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/u);
const agentType = z
  .string()
  .max(100)
  .regex(/^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/u);
const toolName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/u);

export const switchScopeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("platform") }),
  z.strictObject({ kind: z.literal("organization"), value: organizationId }),
  z.strictObject({ kind: z.literal("module"), value: moduleName }),
  z.strictObject({ kind: z.literal("agent"), value: agentType }),
  z.strictObject({ kind: z.literal("model"), value: modelNameSchema }),
  /** One job, which can only be debugged; its id alone does not say whose it is. */
  z.strictObject({ kind: z.literal("job"), value: z.string().regex(idPattern("job")), organizationId }),
  z.strictObject({ kind: z.literal("tool"), value: toolName }),
  z.strictObject({ kind: z.literal("feature"), value: featureNameSchema }),
]);
export type SwitchScope = z.infer<typeof switchScopeSchema>;

/**
 * `refuse`: submissions get 503, the rest runs · `hold`: submissions are accepted, nothing is dispatched, running slices
 * go on · `drain`: hold, and running jobs yield at their next checkpoint · `abort`: hold, and running ones are cancelled
 * now · `debug`: one job at a time, with verbose logs, more time, and effects as a dry run · `off`: the tool or feature is not used.
 */
export const switchModes = ["refuse", "hold", "drain", "abort", "debug", "off"] as const;
export const switchModeSchema = z.enum(switchModes);
export type SwitchMode = z.infer<typeof switchModeSchema>;

/** Who set a switch. What a platform administrator set, no organization may take away. */
export const switchActorSchema = z.object({
  kind: z.enum(["platform", "organization", "deploy"]),
  name: z.string(),
});
export type SwitchActor = z.infer<typeof switchActorSchema>;

export const switchSchema = z.object({
  id: z.string(),
  scope: switchScopeSchema,
  mode: switchModeSchema,
  actor: switchActorSchema,
  reason: z.string(),
  createdAtMs: z.int(),
  /** From then on it does nothing; null until somebody removes it. */
  expiresAtMs: z.int().nullable(),
});
export type Switch = z.infer<typeof switchSchema>;

/** Tools and features are on or off, a job is debugged or not; everything else is never `off`. */
export function isModeOfScope(kind: SwitchScope["kind"], mode: SwitchMode): boolean {
  if (kind === "job") return mode === "debug";
  return (kind === "tool" || kind === "feature") === (mode === "off");
}

/** Whether two scopes are the same one. */
export function isSameScope(left: SwitchScope, right: SwitchScope): boolean {
  return left.kind === right.kind && scopeValue(left) === scopeValue(right);
}

/** What a scope names; null for the platform. */
export function scopeValue(scope: SwitchScope): string | null {
  return scope.kind === "platform" ? null : scope.value;
}

/** The organization that a scope is limited to; null for one that concerns every organization. */
export function scopeOrganization(scope: SwitchScope): string | null {
  if (scope.kind === "job") return scope.organizationId;
  return scope.kind === "organization" ? scope.value : null;
}

/** Everything of its scope that waited at `atMs` is cancelled. */
export interface ClearOrder {
  readonly atMs: number;
  readonly actor: SwitchActor;
  readonly reason: string;
}

/** Switches that follow from settings: only a deploy changes them. */
export function settingSwitches(settings: {
  readonly agentEnabled: boolean;
  readonly agentDebug: boolean;
}): readonly Switch[] {
  const setting = (id: string, mode: SwitchMode, reason: string): Switch => ({
    id,
    scope: { kind: "platform" },
    mode,
    actor: { kind: "deploy", name: id },
    reason,
    createdAtMs: 0,
    expiresAtMs: null,
  });
  return [
    ...(settings.agentEnabled ? [] : [setting("AGENT_ENABLED", "refuse", "Submissions are switched off.")]),
    ...(settings.agentDebug ? [setting("AGENT_DEBUG", "debug", "Everything is debugged.")] : []),
  ];
}
