import { describe, expect, inject, it } from "vitest";
import type { RoleName } from "../../scripts/database/roles.ts";
import { newOrganization, superuserRows, withClient } from "../support/database-fixture.ts";

const { urls } = inject("database");
const roles: readonly RoleName[] = ["agents_owner", "agents_app", "agents_platform", "agents_reader"];
const tablePrivileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] as const;

/** What a role may do with the tables of a schema, as `table: PRIVILEGE, …`. */
async function privilegesOf(role: RoleName, schema: string): Promise<readonly string[]> {
  const rows = await superuserRows<{ line: string }>(
    `SELECT relname || ': ' || string_agg(privilege, ', ' ORDER BY ordinality) AS line
       FROM pg_class, unnest($3::text[]) WITH ORDINALITY AS p (privilege, ordinality)
      WHERE relnamespace = $2::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
        AND has_table_privilege($1, pg_class.oid, privilege)
      GROUP BY relname ORDER BY relname COLLATE "C"`,
    [role, schema, tablePrivileges],
  );
  return rows.map((row) => row.line);
}

const ourTables = [
  "AgentArtifact",
  "AgentEffect",
  "AgentFeedback",
  "AgentIssue",
  "AgentIssueWords",
  "AgentJob",
  "AgentLog",
  "AgentMessage",
  "AgentModelCall",
  "AgentParkedEvent",
  "AgentProjection",
  "AgentQuestion",
  "AgentReview",
  "AgentStep",
];

async function isDenied(role: RoleName, statement: string): Promise<boolean> {
  return withClient(urls[role], async (client) => {
    try {
      await client.query(statement);
      return false;
    } catch (error) {
      const insufficientPrivilege = "42501";
      if (error instanceof Error && "code" in error && error.code === insufficientPrivilege) return true;
      throw error;
    }
  });
}

describe("the roles", () => {
  it("have no power over the server and belong to no other role", async () => {
    const rows = await superuserRows(
      `SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND rolcanlogin
          AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
          AND NOT EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)`,
      [roles],
    );
    expect(rows).toHaveLength(roles.length);
  });

  it("may do with our tables what their task needs", async () => {
    expect(await privilegesOf("agents_app", "agents")).toEqual(
      ourTables.map((table) => `${table}: SELECT, INSERT, UPDATE`),
    );
    expect(await privilegesOf("agents_platform", "agents")).toEqual(
      ourTables.map((table) => `${table}: SELECT${table === "AgentLog" || table === "AgentStep" ? ", DELETE" : ""}`),
    );
    expect(await privilegesOf("agents_reader", "agents")).toEqual([]);
  });

  it.each(roles)("%s may do nothing with the ERP's tables as a whole, and make nothing", async (role) => {
    expect(await privilegesOf(role, "public")).toEqual([]);
    expect(await isDenied(role, "SELECT * FROM public.users")).toBe(true);
    expect(await isDenied(role, `SELECT "passwordHash" FROM public.users`)).toBe(true);
    expect(await isDenied(role, "UPDATE public.users SET name = 'x'")).toBe(true);
    expect(await isDenied(role, `SELECT "keyPrefix" FROM public.api_keys`)).toBe(true);
    expect(await isDenied(role, `UPDATE public.api_keys SET "isActive" = true`)).toBe(true);
    expect(await isDenied(role, "CREATE TABLE public.own (id text)")).toBe(true);
    expect(await isDenied(role, "CREATE SCHEMA own")).toBe(true);
  });

  it.each([
    ["a token", `SELECT * FROM agents.find_identity('nobody')`],
    ["an API key", `SELECT * FROM agents.find_api_key('nobody', NULL)`],
  ])("let the application and nobody else ask who %s belongs to", async (_name, ask) => {
    expect(await isDenied("agents_app", ask)).toBe(false);
    expect(await isDenied("agents_platform", ask)).toBe(true);
    expect(await isDenied("agents_reader", ask)).toBe(true);
  });

  it("let the reader log in and see nothing of ours", async () => {
    expect(await isDenied("agents_reader", `SELECT * FROM agents."AgentIssue"`)).toBe(true);
    expect(await isDenied("agents_reader", "SELECT 1")).toBe(false);
  });

  it("cannot be misled by a search path or an object of the caller's", async () => {
    const { users } = await newOrganization();
    const rows = await withClient(urls.agents_app, async (client) => {
      await client.query("CREATE TEMP TABLE users AS SELECT 'mallory' AS id");
      await client.query("SET search_path = pg_temp, public");
      const result = await client.query<{ userId: string }>(`SELECT "userId" FROM agents.find_identity($1)`, [
        users.STAFF.supabaseId,
      ]);
      return result.rows;
    });
    expect(rows).toEqual([{ userId: users.STAFF.id }]);
  });
});
