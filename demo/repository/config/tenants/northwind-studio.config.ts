import type { TenantConfig } from "./tenant-config";

export const northwindStudio: TenantConfig = {
  id: "northwind-studio",
  name: "Northwind Studio",
  domain: "northwind-studio.example",
  branding: { primaryColor: "#1d4ed8", logo: "/tenants/northwind-studio/logo.svg" },
  features: {
    briefs: true,
    timeTracking: true,
    rfp: true,
    learning: false,
    integrations: { slack: true, googleDrive: false },
  },
  briefTypes: ["VIDEO_SHOOT", "VIDEO_EDIT", "DESIGN", "COPYWRITING_EN", "COPYWRITING_AR"],
  departments: ["Creative", "Video", "Strategy", "Client Service"],
  defaults: {
    weeklyCapacity: 40,
    billableTarget: 0.75,
    currency: "AED",
    timezone: "Asia/Dubai",
    dateFormat: "DD/MM/YYYY",
    timeFormat: "24h",
  },
  storage: { admin: 100, staff: 25, freelancer: 5 },
};
