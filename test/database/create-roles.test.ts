import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { erpProject } from "../../demo/erp-database/erp-project.ts";
import { createRoles } from "../../scripts/database/roles.ts";
import { applyMigrations } from "../../scripts/database/schema-engine.ts";
import { startPostgres, type PostgresServer } from "../../scripts/local/postgres.ts";
import { withClient } from "../support/database-fixture.ts";

const passwords = { agents_owner: "one", agents_app: "two", agents_platform: "three", agents_reader: "four" };

/** A server of its own: roles belong to the whole server. */
let home = "";
let server: PostgresServer;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "create-roles-"));
  await chmod(home, 0o711);
  server = await startPostgres({ dataDirectory: path.join(home, "data"), password: "superuser", durable: false });
  await applyMigrations(erpProject, server.url("postgres"));
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true });
});

async function canLogIn(password: string): Promise<boolean> {
  try {
    const url = server.url("postgres", { name: "agents_app", password });
    await withClient(url, async (client) => client.query("SELECT 1"));
    return true;
  } catch (error) {
    const invalidPassword = "28P01";
    if (error instanceof Error && "code" in error && error.code === invalidPassword) return false;
    throw error;
  }
}

it("makes the roles, and sets their passwords anew when they are there", async () => {
  await createRoles(server.url("postgres"), passwords);
  expect(await canLogIn("two")).toBe(true);
  await createRoles(server.url("postgres"), { ...passwords, agents_app: "it's \\ new" });
  expect(await canLogIn("two")).toBe(false);
  expect(await canLogIn("it's \\ new")).toBe(true);
});

it("changes nothing when one of the roles has more power than it may have", async () => {
  await createRoles(server.url("postgres"), passwords);
  await withClient(server.url("postgres"), async (client) => client.query("ALTER ROLE agents_reader BYPASSRLS"));
  await expect(createRoles(server.url("postgres"), { ...passwords, agents_app: "other" })).rejects.toThrow(
    "the role agents_reader has more power than it may have: drop it first",
  );
  expect(await canLogIn("two")).toBe(true);
  expect(await canLogIn("other")).toBe(false);
});
