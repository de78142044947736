import { z } from "zod";
import type { OrganizationSettings } from "../../contracts/platform-rpc.ts";
import {
  defaultTerms,
  type LimitOverrides,
  limitsOfTier,
  organizationLimitsSchema,
  repositorySchema,
  type Terms,
} from "../../contracts/terms.ts";

/** What of the settings has to have a certain shape. */
const checkedSchema = z.object({ limits: organizationLimitsSchema, repository: repositorySchema.nullable() });

const noOverrides: LimitOverrides = { limits: {}, expiresAtMs: null };

/** The settings as they are now: overrides whose time is over are gone. */
export function settingsAt(settings: OrganizationSettings, nowMs: number): OrganizationSettings {
  const { expiresAtMs } = settings.limitOverrides;
  return expiresAtMs !== null && expiresAtMs <= nowMs ? { ...settings, limitOverrides: noOverrides } : settings;
}

/** The terms that follow from settings. Throws when a limit is not positive, or the repository has no possible name. */
export function termsOf(settings: OrganizationSettings, version: number): Terms {
  const { organizationId, tier, slug, repository, limitOverrides } = settings;
  const limits = { ...limitsOfTier(tier), ...limitOverrides.limits };
  const checked = checkedSchema.safeParse({ limits, repository });
  if (!checked.success) throw new Error(`settings of an organization: ${z.prettifyError(checked.error)}`);
  return { ...defaultTerms(organizationId), version, tier, slug, ...checked.data };
}
