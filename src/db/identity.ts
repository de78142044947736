/** Who a verified token belongs to, by plain SQL: this is on the way of every submission, so it must stay light. */
import { z } from "zod";
import type { IdentityPort } from "../contracts/ports.ts";
import { permissionLevelSchema } from "../contracts/records.ts";
import { withConnection, type DatabaseSettings } from "./neon-driver.ts";

const identityRowSchema = z.object({
  userId: z.string(),
  organizationId: z.string(),
  isActive: z.boolean(),
  level: permissionLevelSchema,
});

/**
 * Looks people up through the database's narrow function `agents.find_identity`. A subject that several users claim
 * belongs to none of them.
 */
export function createIdentityPort(settings: DatabaseSettings): IdentityPort {
  return {
    findBySubject: async (subject) => {
      const { rows } = await withConnection(settings, async (client) =>
        client.query('SELECT "userId", "organizationId", "isActive", "level" FROM agents.find_identity($1)', [subject]),
      );
      return rows.length === 1 ? identityRowSchema.parse(rows[0]) : null;
    },
  };
}
