-- CreateEnum
CREATE TYPE "QuestionStatus" AS ENUM ('OPEN', 'ANSWERED', 'DEFAULTED', 'EXPIRED', 'CANCELLED');

-- CreateTable
CREATE TABLE "AgentQuestion" (
    "id" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "callId" TEXT NOT NULL,
    "question" TEXT NOT NULL,
    "choices" TEXT[],
    "defaultAnswer" TEXT,
    "status" "QuestionStatus" NOT NULL,
    "answer" TEXT,
    "answeredBy" TEXT,
    "enteredBy" TEXT,
    "askedAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),
    "closedAt" TIMESTAMPTZ(3),
    "organizationId" TEXT NOT NULL,

    CONSTRAINT "AgentQuestion_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateTable
CREATE TABLE "AgentMessage" (
    "id" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "enteredBy" TEXT NOT NULL,
    "sentAt" TIMESTAMPTZ(3) NOT NULL,
    "heardByJobId" TEXT,
    "heardAt" TIMESTAMPTZ(3),
    "organizationId" TEXT NOT NULL,

    CONSTRAINT "AgentMessage_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateIndex
CREATE INDEX "AgentQuestion_organizationId_issueId_askedAt_idx" ON "AgentQuestion"("organizationId", "issueId", "askedAt");

-- CreateIndex
CREATE INDEX "AgentQuestion_organizationId_jobId_idx" ON "AgentQuestion"("organizationId", "jobId");

-- CreateIndex
CREATE INDEX "AgentMessage_organizationId_issueId_sentAt_idx" ON "AgentMessage"("organizationId", "issueId", "sentAt");

-- AddForeignKey
ALTER TABLE "AgentQuestion" ADD CONSTRAINT "AgentQuestion_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentQuestion" ADD CONSTRAINT "AgentQuestion_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentQuestion" ADD CONSTRAINT "AgentQuestion_organizationId_jobId_fkey" FOREIGN KEY ("organizationId", "jobId") REFERENCES "AgentJob"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentMessage" ADD CONSTRAINT "AgentMessage_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentMessage" ADD CONSTRAINT "AgentMessage_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on.
ALTER TABLE "AgentQuestion" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "AgentMessage" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY "tenant" ON "AgentQuestion" USING ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "tenant" ON "AgentMessage" USING ("organizationId" = current_setting('app.organization_id', true));

CREATE POLICY "platform_read" ON "AgentQuestion" FOR SELECT TO agents_platform USING (true);
CREATE POLICY "platform_read" ON "AgentMessage" FOR SELECT TO agents_platform USING (true);

GRANT SELECT, INSERT, UPDATE ON "AgentQuestion", "AgentMessage" TO agents_app;
GRANT SELECT ON "AgentQuestion", "AgentMessage" TO agents_platform;
