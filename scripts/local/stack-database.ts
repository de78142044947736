/** PostgreSQL of the local stack: the server, the ERP's tables, our roles and tables, the seed, and the driver's relay. */
import path from "node:path";
import { Client } from "pg";
import { erpProject } from "../../demo/erp-database/erp-project.ts";
import { demoOrganization, secondOrganization, seedOrganization } from "../../demo/erp-database/seed.ts";
import { agentsProject } from "../database/agents-project.ts";
import { createRoles } from "../database/roles.ts";
import { applyMigrations } from "../database/schema-engine.ts";
import { startPostgres, stopPostgres, type PostgresServer } from "./postgres.ts";
import { startRelay } from "./relay.ts";
import type { StackPorts } from "./stack-ports.ts";
import type { KeptState } from "./state-directory.ts";

export interface StackDatabase {
  /** As the superuser: for fixtures, and to look at rows past row-level security. */
  readonly adminUrl: string;
  /** As the Worker's own roles. */
  readonly appUrl: string;
  readonly platformUrl: string;
  /** `host:port` of the relay. */
  readonly relayAddress: string;
  /** Stops the server alone; every connection ends. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops server and relay. */
  close(): Promise<void>;
}

export interface StackDatabaseOptions {
  readonly stateDirectory: string;
  readonly ports: StackPorts;
  readonly passwords: KeptState["passwords"];
  readonly durable: boolean;
}

const databaseName = "erp";

/**
 * Starts PostgreSQL and brings it up to date: the ERP's fixture first, then roles, our migrations and the seed; what is
 * there already stays.
 */
export async function startDatabase(options: StackDatabaseOptions): Promise<StackDatabase> {
  const { passwords, ports, durable } = options;
  const dataDirectory = postgresDirectory(options.stateDirectory);
  const launch = (): Promise<PostgresServer> =>
    startPostgres({ dataDirectory, port: ports.postgres, password: passwords.admin, durable });

  let server: PostgresServer | null = await launch();
  const { host, port } = server;
  const urlOf = (name: string, password: string): string =>
    `postgresql://${name}:${encodeURIComponent(password)}@${host}:${port}/${databaseName}`;
  const adminUrl = server.url(databaseName);
  const stop = async (): Promise<void> => {
    const stopping = server;
    server = null;
    await stopping?.stop();
  };

  try {
    await createDatabase(server.url("postgres"));
    await prepareDatabase(adminUrl, urlOf("agents_owner", passwords.owner), passwords);
    const relay = await startRelay({ target: `${host}:${port}`, port: ports.relay });
    return {
      adminUrl,
      appUrl: urlOf("agents_app", passwords.app),
      platformUrl: urlOf("agents_platform", passwords.platform),
      relayAddress: relay.address,
      stop,
      start: async () => {
        server ??= await launch();
      },
      close: async () => {
        await relay.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Stops a server that a killed run left behind; nothing happens when none runs. */
export async function stopLeftDatabase(stateDirectory: string): Promise<void> {
  await stopPostgres(postgresDirectory(stateDirectory));
}

function postgresDirectory(stateDirectory: string): string {
  return path.join(stateDirectory, "postgres");
}

async function createDatabase(maintenanceUrl: string): Promise<void> {
  const client = new Client(maintenanceUrl);
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  } finally {
    await client.end();
  }
}

async function prepareDatabase(adminUrl: string, ownerUrl: string, passwords: KeptState["passwords"]): Promise<void> {
  await applyMigrations(erpProject, adminUrl);
  await createRoles(adminUrl, {
    agents_owner: passwords.owner,
    agents_app: passwords.app,
    agents_platform: passwords.platform,
    agents_reader: passwords.reader,
  });
  await applyMigrations(agentsProject, ownerUrl);
  await seedOrganization(adminUrl, demoOrganization);
  await seedOrganization(adminUrl, secondOrganization);
}
