import type { DatabaseCheck } from "../contracts/ports.ts";
import { withConnection, type DatabaseSettings } from "./neon-driver.ts";

/** The health check's question; throws `AgentError` `unavailable` when there is no answer. */
export function createDatabaseCheck(settings: DatabaseSettings): DatabaseCheck {
  return {
    ping: async () => {
      await withConnection(settings, async (client) => client.query("SELECT 1"));
    },
  };
}
