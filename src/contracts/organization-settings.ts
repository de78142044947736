/** What operators set of an organization. */
import type { LimitOverrides, Repository, Tier } from "./terms.ts";

export interface OrganizationSettings {
  readonly organizationId: string;
  readonly tier: Tier | null;
  readonly slug: string | null;
  readonly repository: Repository | null;
  readonly limitOverrides: LimitOverrides;
}
