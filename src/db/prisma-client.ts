/** Prisma for one invocation: a Worker must not share a connection between requests. */
import { PrismaNeon } from "@prisma/adapter-neon";
import { PrismaClient, type Prisma } from "./generated/client.ts";
import { configureDriver, connectTimeoutMs, type DatabaseSettings } from "./neon-driver.ts";

export type TenantTransaction = Prisma.TransactionClient;

/** How long a transaction may take before it is rolled back. */
const transactionTimeoutMs = 60_000;

/** Runs work with a client of its own, which is gone when it resolves. */
export async function withPrisma<Result>(
  settings: DatabaseSettings,
  work: (prisma: PrismaClient) => Promise<Result>,
): Promise<Result> {
  configureDriver(settings.relay);
  const { connectionString } = settings;
  const pool = { connectionString, max: 1, connectionTimeoutMillis: connectTimeoutMs };
  const prisma = new PrismaClient({ adapter: new PrismaNeon(pool), errorFormat: "minimal" });
  try {
    return await work(prisma);
  } finally {
    await prisma.$disconnect();
  }
}

/**
 * One transaction in which PostgreSQL shows and takes this organization's rows only, whatever the statements in it say.
 */
export async function inTenant<Result>(
  prisma: PrismaClient,
  organizationId: string,
  work: (transaction: TenantTransaction) => Promise<Result>,
): Promise<Result> {
  return prisma.$transaction(
    async (transaction) => {
      await transaction.$executeRaw`SELECT set_config('app.organization_id', ${organizationId}, true)`;
      return work(transaction);
    },
    { timeout: transactionTimeoutMs, maxWait: connectTimeoutMs },
  );
}
