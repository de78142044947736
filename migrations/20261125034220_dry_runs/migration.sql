-- AlterTable
ALTER TABLE "AgentEffect" ADD COLUMN     "dryRun" JSONB;
