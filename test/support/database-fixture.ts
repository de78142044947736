/** What the database suites share: an organization of their own, plain SQL, and databases of their own. */
import { randomUUID } from "node:crypto";
import { Client, type QueryResultRow } from "pg";
import { inject } from "vitest";
import { organization, seedOrganization, type SeedOrganization } from "../../demo/erp-database/seed.ts";
import type { RoleName } from "../../scripts/database/roles.ts";
import type { DatabaseSettings } from "../../src/db/neon-driver.ts";

/** An organization that no other suite has, with its people in the ERP's tables. */
export async function newOrganization(): Promise<SeedOrganization> {
  const own = organization(`Agency ${randomUUID()}`);
  await seedOrganization(inject("database").superuserUrl, own);
  return own;
}

/** How the application would connect as a role. */
export function settingsOf(role: RoleName): DatabaseSettings {
  const { urls, relay } = inject("database");
  return { connectionString: urls[role], relay };
}

/** All that hangs off an issue, as its organization would ask for it. */
export function wholePart(organizationId: string, issueId: string) {
  return { organizationId, issueId, visibility: { kind: "all" }, after: null, limit: 1_000 } as const;
}

/** Runs work on a direct connection. */
export async function withClient<Result>(
  connectionString: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client(connectionString);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Rows of one statement, run by the superuser, whom row-level security does not hold. */
export async function superuserRows<Row extends QueryResultRow>(
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return withClient(inject("database").superuserUrl, async (client) => {
    const { rows } = await client.query<Row>(statement, [...parameters]);
    return rows;
  });
}

/** Runs work with the connection string of an empty database, and drops it. */
export async function withOwnDatabase<Result>(work: (superuserUrl: string) => Promise<Result>): Promise<Result> {
  const name = `own_${randomUUID().replaceAll("-", "")}`;
  const { superuserUrl } = inject("database");
  await superuserRows(`CREATE DATABASE ${name}`);
  try {
    return await work(inDatabase(superuserUrl, name));
  } finally {
    await superuserRows(`DROP DATABASE ${name}`);
  }
}

/** The same login for another database. */
export function inDatabase(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = database;
  return url.href;
}
