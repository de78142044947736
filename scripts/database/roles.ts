/**
 * `npm run db:roles`: makes the four roles, or sets their passwords anew, as the role of `DATABASE_ADMIN_URL`. It runs after
 * the ERP's tables exist and before our migrations, which grant each role what it may do.
 */
import { Client, escapeIdentifier, escapeLiteral } from "pg";
import { agentsProject } from "./agents-project.ts";
import { runScript, setting } from "./run-script.ts";
import { beginHistory } from "./schema-engine.ts";

export const roleSettings = {
  /** Owns the schema `agents` and migrates it. */
  agents_owner: "DATABASE_OWNER_URL",
  /** Reads and writes the rows of one organization at a time. */
  agents_app: "DATABASE_URL",
  /** Operators' routes and retention. */
  agents_platform: "DATABASE_PLATFORM_URL",
  /** The database tool of the agents. */
  agents_reader: "DATABASE_READER_URL",
} as const;

export type RoleName = keyof typeof roleSettings;
export type RolePasswords = Readonly<Record<RoleName, string>>;

/** Columns that the identity functions look at; nothing else of the ERP is readable through our roles. */
const identityColumns = {
  users: ["id", "organizationId", "supabaseId", "isActive", "permissionLevel"],
  api_keys: ["id", "organizationId", "keyHash", "scopes", "rateLimit", "isActive", "expiresAt", "revokedAt"],
} as const;

/**
 * Makes or updates the roles in the database that the connection names; may be repeated. Throws when one of them has a
 * power beyond its own schema, such as bypassing row-level security.
 */
export async function createRoles(adminConnectionString: string, passwords: RolePasswords): Promise<void> {
  const client = new Client(adminConnectionString);
  await client.connect();
  try {
    await client.query("BEGIN");
    for (const [name, password] of Object.entries(passwords)) await createRole(client, name, password);
    await refusePowerfulRoles(client, Object.keys(passwords));
    await client.query(`
      GRANT agents_owner TO CURRENT_USER;
      CREATE SCHEMA IF NOT EXISTS agents AUTHORIZATION agents_owner;
      GRANT REFERENCES (id) ON public.organizations, public.users TO agents_owner;
    `);
    for (const [table, columns] of Object.entries(identityColumns)) {
      const list = columns.map((column) => escapeIdentifier(column)).join(", ");
      await client.query(`GRANT SELECT (${list}) ON public.${escapeIdentifier(table)} TO agents_owner`);
    }
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

async function createRole(client: Client, name: string, password: string): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [name]);
  const verb = rowCount === 0 ? "CREATE" : "ALTER";
  await client.query(`${verb} ROLE ${escapeIdentifier(name)} LOGIN NOINHERIT PASSWORD ${escapeLiteral(password)}`);
}

async function refusePowerfulRoles(client: Client, names: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles
      WHERE rolname = ANY($1) AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
    [names],
  );
  const [first] = rows;
  if (first !== undefined) throw new Error(`the role ${first.rolname} has more power than it may have: drop it first`);
}

/** The password for a role, from the connection string of the setting that names the role. */
function passwordOf(role: RoleName): string {
  const url = new URL(setting(roleSettings[role]));
  if (url.username !== role) throw new Error(`${roleSettings[role]} must connect as ${role}`);
  if (url.password === "") throw new Error(`${roleSettings[role]} has no password`);
  return decodeURIComponent(url.password);
}

if (import.meta.main) {
  await runScript(async () => {
    const admin = setting("DATABASE_ADMIN_URL");
    await createRoles(admin, {
      agents_owner: passwordOf("agents_owner"),
      agents_app: passwordOf("agents_app"),
      agents_platform: passwordOf("agents_platform"),
      agents_reader: passwordOf("agents_reader"),
    });
    await beginHistory(agentsProject, setting("DATABASE_OWNER_URL"));
    return "The four roles are in place.";
  });
}
