/** Stand-in of the ERP's HTTP API: reads briefs from the ERP's own tables, for the organization of an ERP API key. */
import { createHash } from "node:crypto";
import { createEmulator, defineEmulator } from "emulate";
import { Pool } from "pg";

export interface ErpStandIn {
  readonly url: string;
  close(): Promise<void>;
}

type Row = Readonly<Record<string, unknown>>;

const defaultPageSize = 50;
const briefColumns = `"id", "briefNumber", "title", "type", "status", "priority", "clientId", "projectId",
  "createdById", "assigneeId", "deadline", "createdAt", "updatedAt", "submittedAt", "completedAt"`;

/** Starts the stand-in over the database that holds the ERP's tables. */
export async function startErp(options: { readonly port: number; readonly databaseUrl: string }): Promise<ErpStandIn> {
  const pool = new Pool({ connectionString: options.databaseUrl, max: 4 });
  // A server that stops ends idle connections; the next query connects again or reports the fault.
  pool.on("error", () => undefined);
  const definition = defineEmulator({
    name: "erp",
    state: () => ({}),
    setup: ({ app }) => {
      app.get("/api/v1/briefs", async (context) => {
        const organizationId = await organizationOfKey(pool, context.req.header("authorization"));
        if (organizationId === null) return context.json(failure("UNAUTHORIZED", "the API key is not valid"), 401);
        const status = context.req.query("status") ?? null;
        return context.json(success(await listBriefs(pool, organizationId, status)));
      });
      app.get("/api/v1/briefs/:id", async (context) => {
        const organizationId = await organizationOfKey(pool, context.req.header("authorization"));
        if (organizationId === null) return context.json(failure("UNAUTHORIZED", "the API key is not valid"), 401);
        const brief = await readBrief(pool, organizationId, context.req.param("id"));
        if (brief === null) return context.json(failure("NOT_FOUND", "there is no such brief"), 404);
        return context.json(success(brief));
      });
    },
  });
  const emulator = await createEmulator({ service: definition, port: options.port });
  return {
    url: emulator.url,
    close: async () => {
      await emulator.close();
      await pool.end();
    },
  };
}

function success(data: unknown): Row {
  return { success: true, data };
}

function failure(code: string, message: string): Row {
  return { success: false, error: { code, message } };
}

/** The organization behind `Bearer sk_live_…`; null for a key that is unknown, revoked, switched off or expired. */
async function organizationOfKey(pool: Pool, header: string | undefined): Promise<string | null> {
  const key = /^Bearer (sk_live_\S+)$/u.exec(header ?? "")?.[1];
  if (key === undefined) return null;
  const { rows } = await pool.query<{ organizationId: string }>(
    `SELECT "organizationId" FROM public.api_keys
      WHERE "keyHash" = $1 AND "isActive" AND "revokedAt" IS NULL AND ("expiresAt" IS NULL OR "expiresAt" > now())`,
    [createHash("sha256").update(key).digest("hex")],
  );
  return rows[0]?.organizationId ?? null;
}

async function listBriefs(pool: Pool, organizationId: string, status: string | null): Promise<readonly Row[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${briefColumns} FROM public.briefs
      WHERE "organizationId" = $1 AND ($2::text IS NULL OR "status"::text = $2)
      ORDER BY "createdAt" DESC, "id" DESC LIMIT $3`,
    [organizationId, status, defaultPageSize],
  );
  return rows;
}

async function readBrief(pool: Pool, organizationId: string, briefId: string): Promise<Row | null> {
  const { rows } = await pool.query<Row>(
    `SELECT ${briefColumns} FROM public.briefs WHERE "organizationId" = $1 AND "id" = $2`,
    [organizationId, briefId],
  );
  return rows[0] ?? null;
}
