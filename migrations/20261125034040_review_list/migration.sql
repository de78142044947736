-- DropIndex
DROP INDEX "AgentReview_organizationId_status_createdAt_id_idx";

-- CreateIndex
CREATE INDEX "AgentReview_organizationId_createdAt_id_status_idx" ON "AgentReview"("organizationId", "createdAt" DESC, "id" DESC, "status");
