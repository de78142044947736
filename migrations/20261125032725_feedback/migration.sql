-- CreateEnum
CREATE TYPE "FeedbackOutcome" AS ENUM ('SOLVED', 'PARTLY_SOLVED', 'NOT_SOLVED');

-- CreateTable
CREATE TABLE "AgentFeedback" (
    "issueId" TEXT NOT NULL,
    "person" TEXT NOT NULL,
    "givenBy" TEXT NOT NULL,
    "rating" INTEGER NOT NULL,
    "outcome" "FeedbackOutcome" NOT NULL,
    "tags" TEXT[],
    "comment" TEXT,
    "organizationId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentFeedback_pkey" PRIMARY KEY ("organizationId","issueId","person")
);

-- CreateIndex
CREATE INDEX "AgentJob_organizationId_agentType_model_status_completedAt_idx" ON "AgentJob"("organizationId", "agentType", "model", "status", "completedAt" DESC);

-- AddForeignKey
ALTER TABLE "AgentFeedback" ADD CONSTRAINT "AgentFeedback_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentFeedback" ADD CONSTRAINT "AgentFeedback_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on: as for the tables of issues.
ALTER TABLE "AgentFeedback" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant" ON "AgentFeedback" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "platform_read" ON "AgentFeedback" FOR SELECT TO agents_platform USING (true);
GRANT SELECT, INSERT, UPDATE ON "AgentFeedback" TO agents_app;
GRANT SELECT ON "AgentFeedback" TO agents_platform;
