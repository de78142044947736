-- CreateEnum
CREATE TYPE "PausedReason" AS ENUM ('question', 'operator');

-- AlterEnum
ALTER TYPE "EffectStatus" ADD VALUE 'CANCELLED';

-- AlterEnum
ALTER TYPE "ReviewStatus" ADD VALUE 'CANCELLED';

-- AlterTable
ALTER TABLE "AgentEffect" ADD COLUMN     "redriveOf" TEXT;

-- AlterTable
ALTER TABLE "AgentJob" ADD COLUMN     "pausedReason" "PausedReason";
