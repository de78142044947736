/** Who a credential belongs to, by plain SQL: this is on the way of every submission, so it must stay light. */
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

const keyRowSchema = z
  .object({
    keyId: z.string(),
    organizationId: z.string(),
    scopes: z.array(z.string()),
    requestsPerHour: z.int(),
    isActive: z.boolean(),
    expiresAtMs: z.number().nullable(),
    actingUserId: z.string().nullable(),
    actingSubject: z.string().nullable(),
    actingLevel: permissionLevelSchema.nullable(),
  })
  .transform(({ actingUserId, actingSubject, actingLevel, ...key }) => ({
    ...key,
    actingUser:
      actingUserId === null || actingLevel === null
        ? null
        : { userId: actingUserId, subject: actingSubject, level: actingLevel },
  }));

/**
 * Looks callers up through the database's narrow functions `agents.find_identity` and `agents.find_api_key`. A subject
 * that several users claim belongs to none of them.
 */
export function createIdentityPort(settings: DatabaseSettings): IdentityPort {
  const select = async (statement: string, parameters: readonly (string | null)[]): Promise<readonly object[]> => {
    const answer = await withConnection(settings, async (client) => client.query<object>(statement, [...parameters]));
    return answer.rows;
  };
  return {
    findBySubject: async (subject) => {
      const statement = 'SELECT "userId", "organizationId", "isActive", "level" FROM agents.find_identity($1)';
      const rows = await select(statement, [subject]);
      return rows.length === 1 ? identityRowSchema.parse(rows[0]) : null;
    },
    findKey: async ({ keyHash, actingUserId }) => {
      const rows = await select("SELECT * FROM agents.find_api_key($1, $2)", [keyHash, actingUserId]);
      return rows.length === 1 ? keyRowSchema.parse(rows[0]) : null;
    },
  };
}
