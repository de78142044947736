/** One PostgreSQL server with its relay for all database suites: the ERP's tables, the four roles, our migrations. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { erpProject } from "../../demo/erp-database/erp-project.ts";
import { agentsProject } from "../../scripts/database/agents-project.ts";
import { createRoles, type RolePasswords } from "../../scripts/database/roles.ts";
import { applyMigrations } from "../../scripts/database/schema-engine.ts";
import { startPostgres } from "../../scripts/local/postgres.ts";
import { startRelay } from "../../scripts/local/relay.ts";

export interface DatabaseFixture {
  /** `host:port` of the WebSocket relay. */
  readonly relay: string;
  /** The superuser's connection string; a suite that needs a database of its own creates it with this. */
  readonly superuserUrl: string;
  /** Connection strings of the four roles. */
  readonly urls: RolePasswords;
}

declare module "vitest" {
  export interface ProvidedContext {
    database: DatabaseFixture;
  }
}

const passwords: RolePasswords = {
  agents_owner: "owner-password",
  agents_app: "app-password",
  agents_platform: "platform-password",
  agents_reader: "reader-password",
};

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(path.join(tmpdir(), "database-tests-"));
  // The server may run as another user than the tests.
  await chmod(home, 0o711);
  const server = await startPostgres({
    dataDirectory: path.join(home, "data"),
    password: "superuser-password",
    durable: false,
  });
  const relay = await startRelay({ target: `${server.host}:${server.port}` });
  const stop = async (): Promise<void> => {
    await relay.close();
    await server.stop();
    await rm(home, { recursive: true });
  };

  const superuserUrl = server.url("postgres");
  const urlOf = (name: keyof RolePasswords): string => server.url("postgres", { name, password: passwords[name] });
  const urls: RolePasswords = {
    agents_owner: urlOf("agents_owner"),
    agents_app: urlOf("agents_app"),
    agents_platform: urlOf("agents_platform"),
    agents_reader: urlOf("agents_reader"),
  };
  try {
    await applyMigrations(erpProject, superuserUrl);
    await createRoles(superuserUrl, passwords);
    await applyMigrations(agentsProject, urls.agents_owner);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide("database", { relay: relay.address, superuserUrl, urls });
  return stop;
}
