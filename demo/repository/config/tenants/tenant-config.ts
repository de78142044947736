/** What a tenant's own file under config/tenants may set. */
export interface TenantConfig {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly branding: { readonly primaryColor: string; readonly logo: string };
  readonly features: {
    readonly briefs: boolean;
    readonly timeTracking: boolean;
    readonly rfp: boolean;
    readonly learning: boolean;
    readonly integrations: { readonly slack: boolean; readonly googleDrive: boolean };
  };
  readonly briefTypes: readonly string[];
  readonly departments: readonly string[];
  readonly defaults: {
    readonly weeklyCapacity: number;
    readonly billableTarget: number;
    readonly currency: string;
    readonly timezone: string;
    readonly dateFormat: string;
    readonly timeFormat: "12h" | "24h";
  };
  /** Gigabytes by role. */
  readonly storage: { readonly admin: number; readonly staff: number; readonly freelancer: number };
}
