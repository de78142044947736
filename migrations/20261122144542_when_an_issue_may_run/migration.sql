-- AlterTable
ALTER TABLE "AgentIssue" ADD COLUMN     "concurrencyKey" TEXT,
ADD COLUMN     "expiresAt" TIMESTAMPTZ(3),
ADD COLUMN     "notBefore" TIMESTAMPTZ(3);
