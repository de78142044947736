/** What the platform tells an organization: tier, limits, switches, repository binding, with a version. */
import { z } from "zod";
import type { Breaker } from "./breakers.ts";
import { modelNameSchema, type ModelName } from "./models.ts";
import type { OutcomeCount } from "./outcomes.ts";
import type { ClearOrder, Switch } from "./switches.ts";

export const tiers = ["free", "pro", "enterprise"] as const;
export const tierSchema = z.enum(tiers);
export type Tier = z.infer<typeof tierSchema>;

export const repositorySchema = z.object({
  owner: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/u),
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[A-Za-z0-9._-]+$/u),
});
export type Repository = z.infer<typeof repositorySchema>;

/** `owner/name`, the name of a repository's object. */
export function repositoryKey(repository: Repository): string {
  return `${repository.owner}/${repository.name}`;
}

export const organizationLimitsSchema = z.object({
  concurrentJobs: z.int().min(1),
  issuesPerDay: z.int().min(1),
  issuesPerHour: z.int().min(1),
  /** Weight of the organization in fair sharing. */
  weight: z.int().min(1),
  models: z.array(modelNameSchema).min(1),
  /** Agent ids that may do the work; `"*"` allows every tenant-level agent. */
  agents: z.union([z.literal("*"), z.array(z.string())]),
  /** What the organization's model calls may cost in a UTC day, and in a UTC month. */
  dailyBudgetMicroUsd: z.int().min(1),
  monthlyBudgetMicroUsd: z.int().min(1),
});
export type OrganizationLimits = z.infer<typeof organizationLimitsSchema>;

/** Limits of one organization that replace those of its tier. */
export interface LimitOverrides {
  readonly limits: Partial<OrganizationLimits>;
  /** When the tier's limits hold again; null for no such time. */
  readonly expiresAtMs: number | null;
}

const hourlyIssues = 100;

export const limitsByTier: Readonly<Record<Tier, OrganizationLimits>> = {
  free: {
    concurrentJobs: 1,
    issuesPerDay: 10,
    issuesPerHour: hourlyIssues,
    weight: 1,
    models: ["haiku"],
    agents: ["meta.triage", "meta.research"],
    dailyBudgetMicroUsd: 1_000_000,
    monthlyBudgetMicroUsd: 10_000_000,
  },
  pro: {
    concurrentJobs: 3,
    issuesPerDay: 100,
    issuesPerHour: hourlyIssues,
    weight: 3,
    models: ["haiku", "sonnet"],
    agents: "*",
    dailyBudgetMicroUsd: 20_000_000,
    monthlyBudgetMicroUsd: 300_000_000,
  },
  enterprise: {
    concurrentJobs: 10,
    issuesPerDay: 1_000,
    issuesPerHour: hourlyIssues,
    weight: 10,
    models: ["haiku", "sonnet", "opus"],
    agents: "*",
    dailyBudgetMicroUsd: 200_000_000,
    monthlyBudgetMicroUsd: 3_000_000_000,
  },
};

export interface Terms {
  readonly organizationId: string;
  /** Grows with every change; an object keeps the highest it has seen. 0 stands for the defaults. */
  readonly version: number;
  readonly tier: Tier | null;
  readonly limits: OrganizationLimits;
  /** Name of the organization's own configuration files (`config/tenants/<slug>.config.ts`). */
  readonly slug: string | null;
  readonly repository: Repository | null;
  /** Those that concern the organization; whoever reads them asks which are in force. */
  readonly switches: readonly Switch[];
  /** Models that are out of reach. */
  readonly breakers: readonly Breaker[];
  /** What the ends of all organizations' work say of agents on models, where they say something. */
  readonly outcomes: readonly OutcomeCount[];
  /** The last order to cancel what waits; an organization carries out each once. */
  readonly clear: ClearOrder | null;
}

/** The limits of a tier; null stands for an organization without one: free, but for two concurrent jobs. */
export function limitsOfTier(tier: Tier | null): OrganizationLimits {
  return tier === null ? { ...limitsByTier.free, concurrentJobs: 2 } : limitsByTier[tier];
}

/** The terms of an organization that the platform does not know yet. */
export function defaultTerms(organizationId: string): Terms {
  return {
    organizationId,
    version: 0,
    tier: null,
    limits: limitsOfTier(null),
    slug: null,
    repository: null,
    switches: [],
    breakers: [],
    outcomes: [],
    clear: null,
  };
}

/** Terms that an earlier release stored: what they did not have yet is the default. */
export function completeTerms(stored: Terms): Terms {
  const limits = { ...limitsOfTier(stored.tier), ...stored.limits };
  return { ...defaultTerms(stored.organizationId), ...stored, limits };
}

/** The best model of a list, in the order haiku, sonnet, opus. */
export function bestModel(allowed: readonly ModelName[]): ModelName {
  if (allowed.includes("opus")) return "opus";
  return allowed.includes("sonnet") ? "sonnet" : "haiku";
}

/** Terms as they go along with every submission: whoever holds this version already need not read the text. */
export interface SealedTerms {
  readonly version: number;
  /** The terms as JSON. */
  readonly text: string;
}

const sealed = new WeakMap<Terms, SealedTerms>();

/** The terms as text, which is written once for each copy of them. */
export function sealTerms(terms: Terms): SealedTerms {
  const known = sealed.get(terms);
  if (known !== undefined) return known;
  const made = { version: terms.version, text: JSON.stringify(terms) };
  sealed.set(terms, made);
  return made;
}

/** The terms that were sealed. */
export function openTerms({ text }: SealedTerms): Terms {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `sealTerms` writes this text
  return JSON.parse(text) as Terms;
}
