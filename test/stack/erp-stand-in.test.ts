import { createHash, randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

const briefSchema = z.looseObject({ id: z.string(), status: z.string() });
const briefsSchema = z.object({ success: z.literal(true), data: z.array(briefSchema) });

let suite: StackSuite;
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

/** An ERP API key of the tenant, as the ERP stores it. */
async function mintKey({ organization }: Tenant, validity: "valid" | "revoked"): Promise<string> {
  const key = `sk_live_${randomUUID()}`;
  const client = new Client(suite.database.adminUrl);
  await client.connect();
  try {
    await client.query(
      `INSERT INTO public.api_keys ("id", "organizationId", "name", "keyHash", "keyPrefix", "scopes", "createdById", "revokedAt")
       VALUES ($1, $2, 'Test', $3, $4, '{}', $5, $6)`,
      [
        randomUUID(),
        organization.id,
        createHash("sha256").update(key).digest("hex"),
        key.slice(0, 16),
        organization.users.ADMIN.id,
        validity === "revoked" ? new Date() : null,
      ],
    );
  } finally {
    await client.end();
  }
  return key;
}

async function get(path: string, key: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${suite.erp.url}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: response.status, body: await response.json() };
}

describe("the ERP stand-in", () => {
  it("shows the briefs of a key's own organization", async () => {
    const [tenant, other] = [await suite.tenant(), await suite.tenant()];
    const [key, foreignKey] = [await mintKey(tenant, "valid"), await mintKey(other, "valid")];

    const { data: stuck } = briefsSchema.parse((await get("/briefs?status=SUBMITTED", key)).body);
    expect(stuck.length).toBeGreaterThan(0);
    expect(new Set(stuck.map((brief) => brief.status))).toEqual(new Set(["SUBMITTED"]));
    expect(briefsSchema.parse((await get("/briefs", key)).body).data.length).toBeGreaterThan(stuck.length);

    const [brief] = stuck;
    expect((await get(`/briefs/${brief?.id ?? ""}`, key)).body).toEqual({ success: true, data: brief });
    expect(await get(`/briefs/${brief?.id ?? ""}`, foreignKey)).toMatchObject({
      status: 404,
      body: { success: false },
    });
  });

  it("refuses keys that are unknown or revoked", async () => {
    const revoked = await mintKey(await suite.tenant(), "revoked");

    for (const key of [revoked, "sk_live_unknown", "something else"]) {
      expect(await get("/briefs", key)).toMatchObject({ status: 401, body: { error: { code: "UNAUTHORIZED" } } });
    }
  });
});
