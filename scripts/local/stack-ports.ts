/** Which port each part of the stack listens on. */
import getPort from "get-port";
import { StackError } from "./stack-error.ts";

type PartName = "worker" | "postgres" | "relay" | "claude" | "gitHub" | "slack" | "supabase" | "erp";
export type StackPorts = Readonly<Record<PartName, number>>;

const usualWorkerPort = 8787;

/**
 * The ports of the last run where they are still free, so that addresses in stored rows stay right; else any free ones.
 * Throws `StackError` when the port that was asked for is taken.
 */
export async function chooseStackPorts(
  kept: Readonly<Record<string, number>>,
  requestedWorkerPort: number | null,
): Promise<StackPorts> {
  const choose = async (part: PartName): Promise<number> => {
    if (part === "worker" && requestedWorkerPort !== null) return requirePort(requestedWorkerPort);
    const wished = kept[part] ?? (part === "worker" ? usualWorkerPort : undefined);
    return getPort({ host: "127.0.0.1", ...(wished === undefined ? {} : { port: wished }) });
  };
  return {
    worker: await choose("worker"),
    postgres: await choose("postgres"),
    relay: await choose("relay"),
    claude: await choose("claude"),
    gitHub: await choose("gitHub"),
    slack: await choose("slack"),
    supabase: await choose("supabase"),
    erp: await choose("erp"),
  };
}

async function requirePort(port: number): Promise<number> {
  const found = await getPort({ host: "127.0.0.1", port });
  if (found !== port) throw new StackError(`port ${port} is taken: choose another with --port`);
  return port;
}
