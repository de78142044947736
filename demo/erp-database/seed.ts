/** Two agencies in the ERP's tables: people at every permission level, an API key, clients, stuck briefs, hours worked. */
import { createHash } from "node:crypto";
import { Client } from "pg";

type PermissionLevel = "ADMIN" | "LEADERSHIP" | "TEAM_LEAD" | "STAFF" | "FREELANCER" | "CLIENT";

interface SeedUser {
  /** `users.id`. */
  readonly id: string;
  /** The `sub` of the person's access token, a UUID. */
  readonly supabaseId: string;
  readonly email: string;
  readonly name: string;
  readonly level: PermissionLevel;
}

export interface SeedOrganization {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  /** One person for every permission level. */
  readonly users: Readonly<Record<PermissionLevel, SeedUser>>;
  /** A key with every scope of ours; the table holds its hash. */
  readonly apiKey: { readonly id: string; readonly key: string };
}

/** Whose issue the demo submits. */
export const demoOrganization: SeedOrganization = organization("Northwind Studio");
/** A second tenant, which must see nothing of it. */
export const secondOrganization: SeedOrganization = organization("Harbor Media");

/** An organization whose ids follow from its name, so that every run finds it again. Tests name their own. */
export function organization(name: string): SeedOrganization {
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/gu, "-");
  const user = (level: PermissionLevel): SeedUser => {
    const title = level.toLowerCase().replaceAll("_", " ");
    return {
      id: erpId(`user ${slug} ${level}`),
      supabaseId: uuid(`${slug} ${level}`),
      email: `${title.replaceAll(" ", ".")}@${slug}.example`,
      name: `${name} ${title}`,
      level,
    };
  };
  return {
    id: erpId(`organization ${slug}`),
    name,
    slug,
    apiKey: {
      id: erpId(`api key ${slug}`),
      key: `sk_live_${createHash("sha256").update(`api key ${slug}`).digest("base64url")}`,
    },
    users: {
      ADMIN: user("ADMIN"),
      LEADERSHIP: user("LEADERSHIP"),
      TEAM_LEAD: user("TEAM_LEAD"),
      STAFF: user("STAFF"),
      FREELANCER: user("FREELANCER"),
      CLIENT: user("CLIENT"),
    },
  };
}

/** Writes an organization with its people, clients, briefs and time entries; what is there already stays as it is. */
export async function seedOrganization(connectionString: string, seed: SeedOrganization): Promise<void> {
  const client = new Client(connectionString);
  await client.connect();
  try {
    await client.query("BEGIN");
    await seedPeople(client, seed);
    await seedApiKey(client, seed);
    await seedWork(client, seed);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

async function seedPeople(client: Client, seed: SeedOrganization): Promise<void> {
  await insert(client, "organizations", {
    id: seed.id,
    name: seed.name,
    slug: seed.slug,
    configKey: seed.slug,
    updatedAt: firstDay,
  });
  for (const user of Object.values(seed.users)) {
    await insert(client, "users", {
      id: user.id,
      organizationId: seed.id,
      supabaseId: user.supabaseId,
      email: user.email,
      name: user.name,
      role: user.level === "CLIENT" ? "Client contact" : "Producer",
      department: user.level === "CLIENT" ? "Client" : "Creative",
      permissionLevel: user.level,
      isFreelancer: user.level === "FREELANCER",
      updatedAt: firstDay,
    });
  }
}

async function seedApiKey(client: Client, { id, apiKey, users }: SeedOrganization): Promise<void> {
  await insert(client, "api_keys", {
    id: apiKey.id,
    organizationId: id,
    name: "Local integration",
    keyHash: createHash("sha256").update(apiKey.key).digest("hex"),
    keyPrefix: apiKey.key.slice(0, 16),
    scopes: ["agents:read", "agents:write", "agents:review"],
    createdById: users.ADMIN.id,
  });
}

/** Status, title and hours worked of the briefs; the submitted ones are what the demo's issue complains about. */
const briefs = [
  { status: "SUBMITTED", type: "DESIGN", title: "Autumn campaign key visual", hours: 0 },
  { status: "SUBMITTED", type: "COPYWRITING_EN", title: "Landing page copy", hours: 0 },
  { status: "SUBMITTED", type: "VIDEO_EDIT", title: "Product film, 30 seconds", hours: 0 },
  { status: "IN_PROGRESS", type: "PAID_MEDIA", title: "Search campaign, fourth quarter", hours: 6.5 },
  { status: "COMPLETED", type: "REPORT", title: "September performance report", hours: 4 },
] as const;

async function seedWork(client: Client, seed: SeedOrganization): Promise<void> {
  const owned = { organizationId: seed.id, updatedAt: firstDay };
  const clientId = erpId(`client ${seed.slug}`);
  const projectId = erpId(`project ${seed.slug}`);
  await insert(client, "clients", { id: clientId, ...owned, name: "Meridian Hotels", code: "MER", isRetainer: true });
  await insert(client, "projects", { id: projectId, ...owned, clientId, name: "Always on", type: "RETAINER" });
  for (const [index, brief] of briefs.entries()) {
    const briefId = erpId(`brief ${seed.slug} ${index}`);
    const userId = seed.users.STAFF.id;
    await insert(client, "briefs", {
      id: briefId,
      ...owned,
      clientId,
      projectId,
      briefNumber: `MER-${String(index + 1).padStart(3, "0")}`,
      type: brief.type,
      title: brief.title,
      status: brief.status,
      createdById: seed.users.TEAM_LEAD.id,
      assigneeId: userId,
      submittedAt: firstDay,
    });
    await insert(client, "brief_status_history", {
      id: erpId(`history ${seed.slug} ${index}`),
      briefId,
      fromStatus: "DRAFT",
      toStatus: "SUBMITTED",
      changedById: seed.users.TEAM_LEAD.id,
    });
    if (brief.hours > 0) {
      await insert(client, "time_entries", {
        id: erpId(`time ${seed.slug} ${index}`),
        ...owned,
        userId,
        briefId,
        projectId,
        date: firstDay,
        hours: brief.hours,
      });
    }
  }
}

const firstDay = "2026-11-02T08:00:00Z";

async function insert(client: Client, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const columns = Object.keys(row).map((column) => client.escapeIdentifier(column));
  const places = columns.map((_, index) => `$${index + 1}`);
  await client.query(
    `INSERT INTO public.${client.escapeIdentifier(table)} (${columns.join(", ")}) VALUES (${places.join(", ")})
     ON CONFLICT (id) DO NOTHING`,
    Object.values(row),
  );
}

/** An id in the ERP's form (25 characters, beginning with c) that follows from the words. */
function erpId(words: string): string {
  const digits = BigInt(`0x${createHash("sha256").update(words).digest("hex")}`).toString(36);
  return `c${digits.slice(0, 24)}`;
}

function uuid(words: string): string {
  const hex = createHash("sha256").update(words).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
