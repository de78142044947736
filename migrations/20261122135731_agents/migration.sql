-- CreateEnum
CREATE TYPE "IssueSource" AS ENUM ('MANUAL', 'ERP_TRIGGER', 'GITHUB', 'WEBHOOK', 'SCHEDULED');

-- CreateEnum
CREATE TYPE "IssueType" AS ENUM ('BUG', 'FEATURE', 'ENHANCEMENT', 'QUESTION', 'TASK', 'DEPLOYMENT');

-- CreateEnum
CREATE TYPE "IssuePriority" AS ENUM ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW');

-- CreateEnum
CREATE TYPE "IssueStatus" AS ENUM ('PENDING', 'QUEUED', 'PROCESSING', 'REVIEW', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "JobStatus" AS ENUM ('PENDING', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "JobRole" AS ENUM ('triage', 'work', 'review');

-- CreateEnum
CREATE TYPE "ArtifactType" AS ENUM ('CODE_CHANGE', 'ANALYSIS', 'RECOMMENDATION', 'DOCUMENTATION', 'PULL_REQUEST', 'CONFIG', 'ERP_CHANGE');

-- CreateEnum
CREATE TYPE "LogLevel" AS ENUM ('DEBUG', 'INFO', 'WARN', 'ERROR');

-- CreateEnum
CREATE TYPE "StepKind" AS ENUM ('model', 'tool');

-- CreateEnum
CREATE TYPE "ReviewStatus" AS ENUM ('OPEN', 'APPROVED', 'REJECTED', 'CHANGES_REQUESTED', 'EXPIRED');

-- CreateEnum
CREATE TYPE "ReviewerKind" AS ENUM ('organization', 'platform');

-- CreateEnum
CREATE TYPE "EffectKind" AS ENUM ('pull_request');

-- CreateEnum
CREATE TYPE "EffectStatus" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED');

-- CreateTable
CREATE TABLE "AgentIssue" (
    "id" TEXT NOT NULL,
    "externalId" TEXT,
    "source" "IssueSource" NOT NULL,
    "type" "IssueType" NOT NULL,
    "priority" "IssuePriority" NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "context" JSONB NOT NULL,
    "status" "IssueStatus" NOT NULL,
    "submitterLevel" TEXT NOT NULL,
    "requestedAgentType" TEXT,
    "requestedModel" TEXT,
    "triage" JSONB,
    "correlationId" TEXT NOT NULL,
    "costMicroUsd" BIGINT NOT NULL DEFAULT 0,
    "organizationId" TEXT NOT NULL,
    "createdById" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentIssue_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentJob" (
    "id" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "role" "JobRole" NOT NULL,
    "agentType" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "modelReason" TEXT NOT NULL,
    "status" "JobStatus" NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 5,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "startedAt" TIMESTAMPTZ(3),
    "completedAt" TIMESTAMPTZ(3),
    "error" TEXT,
    "errorReason" TEXT,
    "config" JSONB NOT NULL,
    "result" JSONB,
    "retryOf" TEXT,
    "costMicroUsd" BIGINT NOT NULL DEFAULT 0,
    "organizationId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentJob_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentArtifact" (
    "id" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "type" "ArtifactType" NOT NULL,
    "name" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "contentBodyId" TEXT NOT NULL,
    "filePath" TEXT,
    "diffPatch" TEXT,
    "diffPatchBodyId" TEXT,
    "metadata" JSONB NOT NULL,
    "organizationId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentArtifact_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentLog" (
    "id" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "level" "LogLevel" NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB,
    "organizationId" TEXT NOT NULL,
    "timestamp" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentLog_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentStep" (
    "jobId" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "issueId" TEXT NOT NULL,
    "kind" "StepKind" NOT NULL,
    "name" TEXT NOT NULL,
    "input" TEXT NOT NULL,
    "output" TEXT NOT NULL,
    "isError" BOOLEAN NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "durationMs" INTEGER NOT NULL,
    "inputTokens" INTEGER,
    "cacheWriteTokens" INTEGER,
    "cacheReadTokens" INTEGER,
    "outputTokens" INTEGER,
    "costMicroUsd" BIGINT NOT NULL,
    "stopReason" TEXT,
    "organizationId" TEXT NOT NULL,

    CONSTRAINT "AgentStep_pkey" PRIMARY KEY ("organizationId","jobId","attempt","number")
);

-- CreateTable
CREATE TABLE "AgentReview" (
    "id" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "artifactId" TEXT NOT NULL,
    "status" "ReviewStatus" NOT NULL,
    "approver" "ReviewerKind" NOT NULL,
    "contentHash" TEXT NOT NULL,
    "agentVerdict" JSONB,
    "decidedBy" TEXT,
    "decidedAt" TIMESTAMPTZ(3),
    "note" TEXT,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "organizationId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentReview_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentEffect" (
    "id" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "artifactId" TEXT NOT NULL,
    "kind" "EffectKind" NOT NULL,
    "idempotencyKey" TEXT NOT NULL,
    "status" "EffectStatus" NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "result" JSONB,
    "error" TEXT,
    "errorReason" TEXT,
    "organizationId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentEffect_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentProjection" (
    "organizationId" TEXT NOT NULL,
    "incarnation" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentProjection_pkey" PRIMARY KEY ("organizationId")
);

-- CreateTable
CREATE TABLE "AgentParkedEvent" (
    "organizationId" TEXT NOT NULL,
    "incarnation" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "type" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "parkedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AgentParkedEvent_pkey" PRIMARY KEY ("organizationId","incarnation","seq")
);

-- CreateIndex
CREATE INDEX "AgentIssue_organizationId_createdAt_id_idx" ON "AgentIssue"("organizationId", "createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "AgentIssue_organizationId_status_createdAt_id_idx" ON "AgentIssue"("organizationId", "status", "createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "AgentIssue_organizationId_createdById_createdAt_id_idx" ON "AgentIssue"("organizationId", "createdById", "createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "AgentIssue_createdById_idx" ON "AgentIssue"("createdById");

-- CreateIndex
CREATE INDEX "AgentJob_organizationId_issueId_createdAt_idx" ON "AgentJob"("organizationId", "issueId", "createdAt");

-- CreateIndex
CREATE INDEX "AgentArtifact_organizationId_issueId_createdAt_idx" ON "AgentArtifact"("organizationId", "issueId", "createdAt");

-- CreateIndex
CREATE INDEX "AgentArtifact_organizationId_jobId_idx" ON "AgentArtifact"("organizationId", "jobId");

-- CreateIndex
CREATE INDEX "AgentLog_organizationId_issueId_timestamp_id_idx" ON "AgentLog"("organizationId", "issueId", "timestamp", "id");

-- CreateIndex
CREATE INDEX "AgentLog_organizationId_jobId_idx" ON "AgentLog"("organizationId", "jobId");

-- CreateIndex
CREATE INDEX "AgentLog_timestamp_idx" ON "AgentLog"("timestamp");

-- CreateIndex
CREATE INDEX "AgentStep_organizationId_issueId_startedAt_idx" ON "AgentStep"("organizationId", "issueId", "startedAt");

-- CreateIndex
CREATE INDEX "AgentStep_startedAt_idx" ON "AgentStep"("startedAt");

-- CreateIndex
CREATE INDEX "AgentReview_organizationId_issueId_createdAt_idx" ON "AgentReview"("organizationId", "issueId", "createdAt");

-- CreateIndex
CREATE INDEX "AgentReview_organizationId_artifactId_idx" ON "AgentReview"("organizationId", "artifactId");

-- CreateIndex
CREATE INDEX "AgentReview_organizationId_status_createdAt_id_idx" ON "AgentReview"("organizationId", "status", "createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "AgentEffect_organizationId_issueId_createdAt_idx" ON "AgentEffect"("organizationId", "issueId", "createdAt");

-- CreateIndex
CREATE INDEX "AgentEffect_organizationId_artifactId_idx" ON "AgentEffect"("organizationId", "artifactId");

-- CreateIndex
CREATE UNIQUE INDEX "AgentEffect_organizationId_idempotencyKey_key" ON "AgentEffect"("organizationId", "idempotencyKey");

-- CreateIndex
CREATE INDEX "AgentParkedEvent_parkedAt_idx" ON "AgentParkedEvent"("parkedAt");

-- AddForeignKey
ALTER TABLE "AgentIssue" ADD CONSTRAINT "AgentIssue_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentIssue" ADD CONSTRAINT "AgentIssue_createdById_fkey" FOREIGN KEY ("createdById") REFERENCES "public"."users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentJob" ADD CONSTRAINT "AgentJob_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentJob" ADD CONSTRAINT "AgentJob_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentArtifact" ADD CONSTRAINT "AgentArtifact_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentArtifact" ADD CONSTRAINT "AgentArtifact_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentArtifact" ADD CONSTRAINT "AgentArtifact_organizationId_jobId_fkey" FOREIGN KEY ("organizationId", "jobId") REFERENCES "AgentJob"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentLog" ADD CONSTRAINT "AgentLog_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentLog" ADD CONSTRAINT "AgentLog_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentLog" ADD CONSTRAINT "AgentLog_organizationId_jobId_fkey" FOREIGN KEY ("organizationId", "jobId") REFERENCES "AgentJob"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentStep" ADD CONSTRAINT "AgentStep_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentStep" ADD CONSTRAINT "AgentStep_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentStep" ADD CONSTRAINT "AgentStep_organizationId_jobId_fkey" FOREIGN KEY ("organizationId", "jobId") REFERENCES "AgentJob"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentReview" ADD CONSTRAINT "AgentReview_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentReview" ADD CONSTRAINT "AgentReview_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentReview" ADD CONSTRAINT "AgentReview_organizationId_artifactId_fkey" FOREIGN KEY ("organizationId", "artifactId") REFERENCES "AgentArtifact"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentEffect" ADD CONSTRAINT "AgentEffect_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentEffect" ADD CONSTRAINT "AgentEffect_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentEffect" ADD CONSTRAINT "AgentEffect_organizationId_artifactId_fkey" FOREIGN KEY ("organizationId", "artifactId") REFERENCES "AgentArtifact"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentProjection" ADD CONSTRAINT "AgentProjection_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentParkedEvent" ADD CONSTRAINT "AgentParkedEvent_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on.
--
-- A row is seen and written only where `app.organization_id` names its organization; the owner is held to that too. Reading
-- across organizations, and ageing out logs and steps, is the platform role's alone.
ALTER TABLE "AgentIssue" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentJob" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentArtifact" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentLog" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentStep" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentReview" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentEffect" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentProjection" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentParkedEvent" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY "tenant" ON "AgentIssue" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentJob" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentArtifact" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentLog" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentStep" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentReview" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentEffect" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentProjection" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentParkedEvent" USING ("organizationId" = current_setting('app.organization_id', true));

CREATE POLICY "platform_read" ON "AgentIssue" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentJob" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentArtifact" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentLog" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentStep" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentReview" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentEffect" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentProjection" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentParkedEvent" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_retention" ON "AgentLog" FOR DELETE TO agents_platform USING (true);
CREATE POLICY "platform_retention" ON "AgentStep" FOR DELETE TO agents_platform USING (true);

GRANT USAGE ON SCHEMA agents TO agents_app, agents_platform;
GRANT SELECT, INSERT, UPDATE ON
    "AgentIssue", "AgentJob", "AgentArtifact", "AgentLog", "AgentStep", "AgentReview", "AgentEffect", "AgentProjection",
    "AgentParkedEvent" TO agents_app;
GRANT SELECT ON
    "AgentIssue", "AgentJob", "AgentArtifact", "AgentLog", "AgentStep", "AgentReview", "AgentEffect", "AgentProjection",
    "AgentParkedEvent" TO agents_platform;
GRANT DELETE ON "AgentLog", "AgentStep" TO agents_platform;

-- Who a verified Supabase token belongs to. Bodies are text, so that the ERP may alter its columns without asking us, and
-- name arguments by number, so that none of its columns can take their place.
CREATE FUNCTION "find_identity"("subject" text)
RETURNS TABLE ("userId" text, "organizationId" text, "isActive" boolean, "level" text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
  SELECT u."id", u."organizationId", u."isActive", u."permissionLevel"::pg_catalog.text
    FROM public.users u
   WHERE u."supabaseId" = $1
$$;

-- The id of a user, named by id or Supabase subject, in the organization that the transaction is for; null if there is none.
CREATE FUNCTION "resolve_user"("idOrSubject" text)
RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
  SELECT u."id"
    FROM public.users u
   WHERE (u."id" = $1 OR u."supabaseId" = $1)
     AND u."organizationId" = pg_catalog.current_setting('app.organization_id', true)
   LIMIT 1
$$;

REVOKE ALL ON FUNCTION "find_identity"(text), "resolve_user"(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "find_identity"(text), "resolve_user"(text) TO agents_app;
