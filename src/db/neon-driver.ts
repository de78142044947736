/** The Neon driver's settings and its errors. Nothing here, and nothing that imports only this, loads Prisma. */
import { Client, neonConfig } from "@neondatabase/serverless";
import { AgentError } from "../core/errors.ts";

export interface DatabaseSettings {
  readonly connectionString: string;
  /** `host:port` of a WebSocket relay before a plain PostgreSQL; null for Neon itself. */
  readonly relay: string | null;
}

/** How long a connection may take before PostgreSQL counts as unreachable. */
export const connectTimeoutMs = 5_000;

/** Points the driver, which has one configuration for an isolate, at Neon or at the relay. */
export function configureDriver(relay: string | null): void {
  if (relay === null) return;
  neonConfig.wsProxy = (host, port) => `${relay}/v1?address=${host}:${port}`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineTLS = false;
  neonConfig.pipelineConnect = false;
}

/** The error that callers see when PostgreSQL cannot be reached or leaves in the middle. */
export function unreachable(error: unknown): AgentError {
  // The driver throws the socket's own event, which says nothing in a log.
  const cause = error instanceof Error ? error : new Error("the WebSocket to PostgreSQL failed", { cause: error });
  return new AgentError({ code: "unavailable", detail: "The database cannot be reached." }, { cause });
}

/**
 * Runs work on a connection of its own. Throws `AgentError` `unavailable` when PostgreSQL is not reached in time or the
 * connection breaks; what PostgreSQL itself refuses, and what the work throws of its own, is thrown as it is.
 */
export async function withConnection<Result>(
  settings: DatabaseSettings,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  configureDriver(settings.relay);
  const client = new Client({
    connectionString: settings.connectionString,
    connectionTimeoutMillis: connectTimeoutMs,
  });
  // A break is also emitted as an event, which without a listener would end the process; the query rejects with it too.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw unreachable(error);
  }
  try {
    return await work(client);
  } catch (error) {
    throw isConnectionLoss(error) ? unreachable(error) : error;
  } finally {
    await client.end();
  }
}

/** Classes of SQLSTATE that another time may not have: connection, authentication, rollback, resources, locks, shutdown. */
const passingClasses = new Set(["08", "28", "40", "53", "55", "57"]);

export function isPassingSqlState(sqlState: string): boolean {
  return passingClasses.has(sqlState.slice(0, 2));
}

/** Whether the driver failed rather than the statement: it throws the socket's events and plain errors without a code. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if ("code" in error && typeof error.code === "string") return isPassingSqlState(error.code);
  return error.name === "Error";
}
