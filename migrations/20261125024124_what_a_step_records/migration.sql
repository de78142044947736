-- CreateEnum
CREATE TYPE "PolicyDecision" AS ENUM ('allowed', 'not_available', 'refused');

-- AlterTable
ALTER TABLE "AgentStep" ADD COLUMN     "inputCharacters" INTEGER,
ADD COLUMN     "policy" "PolicyDecision",
ADD COLUMN     "reservedMicroUsd" BIGINT;
