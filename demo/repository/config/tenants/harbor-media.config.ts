import type { TenantConfig } from "./tenant-config";

export const harborMedia: TenantConfig = {
  id: "harbor-media",
  name: "Harbor Media",
  domain: "harbor-media.example",
  branding: { primaryColor: "#0f766e", logo: "/tenants/harbor-media/logo.svg" },
  features: {
    briefs: true,
    timeTracking: true,
    rfp: false,
    learning: true,
    integrations: { slack: false, googleDrive: true },
  },
  briefTypes: ["DESIGN", "PAID_MEDIA", "REPORT"],
  departments: ["Media", "Design", "Analytics"],
  defaults: {
    weeklyCapacity: 37.5,
    billableTarget: 0.8,
    currency: "EUR",
    timezone: "Europe/Lisbon",
    dateFormat: "YYYY-MM-DD",
    timeFormat: "24h",
  },
  storage: { admin: 50, staff: 20, freelancer: 2 },
};
