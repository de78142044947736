-- DropIndex
DROP INDEX "AgentIssue_organizationId_createdAt_id_idx";

-- DropIndex
DROP INDEX "AgentIssue_organizationId_status_createdAt_id_idx";

-- AlterTable
ALTER TABLE "AgentIssue" ADD COLUMN     "agentType" TEXT,
ADD COLUMN     "module" TEXT;

-- CreateTable
CREATE TABLE "AgentIssueWords" (
    "organizationId" TEXT NOT NULL,
    "issueId" TEXT NOT NULL,
    "words" TEXT[],

    CONSTRAINT "AgentIssueWords_pkey" PRIMARY KEY ("organizationId","issueId")
);

-- CreateIndex
CREATE INDEX "AgentIssue_list_idx" ON "AgentIssue"("organizationId", "createdAt" DESC, "id" DESC, "status", "type", "priority", "source", "module", "agentType", "createdById");

-- CreateIndex
CREATE INDEX "AgentIssue_organizationId_externalId_createdAt_id_idx" ON "AgentIssue"("organizationId", "externalId", "createdAt" DESC, "id" DESC);

-- AddForeignKey
ALTER TABLE "AgentIssueWords" ADD CONSTRAINT "AgentIssueWords_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "public"."organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AgentIssueWords" ADD CONSTRAINT "AgentIssueWords_organizationId_issueId_fkey" FOREIGN KEY ("organizationId", "issueId") REFERENCES "AgentIssue"("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on.
--
-- Issues from before get what later ones are written with. Their words are read more simply: every sign beyond ASCII counts
-- as a letter. The owner is let past row-level security for this alone.
ALTER TABLE "AgentIssue" NO FORCE ROW LEVEL SECURITY;

UPDATE "AgentIssue"
   SET "agentType" = COALESCE("requestedAgentType", "triage" ->> 'agent'),
       "module" = lower(COALESCE("triage" ->> 'module', split_part("requestedAgentType", '.', 1)));

INSERT INTO "AgentIssueWords" ("organizationId", "issueId", "words")
SELECT "organizationId", "id", ARRAY(
         SELECT DISTINCT "organizationId" || ':' || left(word, 48)
           FROM regexp_split_to_table(
                  regexp_replace(
                    lower(normalize(concat_ws(' ', "title", "externalId", "description"), NFKD)), '[\u0300-\u036F]', '', 'g'
                  ),
                  '[^a-z0-9\u0080-\U0010FFFF]+'
                ) AS word
          WHERE word <> ''
          LIMIT 4000
       )
  FROM "AgentIssue";

ALTER TABLE "AgentIssue" FORCE ROW LEVEL SECURITY;

-- A search is carried out by the table's own policy: conditions of a query itself come after the policy's, and may use an
-- index only where their operators are known to leak nothing, which those of full text are not. The transaction names what
-- it searches for in `app.issue_search`, a `tsquery`; without it the policy shows all the organization's rows. Each word is
-- kept with its organization before it, so that a search reads no other organization's part of the index.
CREATE INDEX "AgentIssueWords_search_idx" ON "AgentIssueWords" USING gin (array_to_tsvector("words"));

ALTER TABLE "AgentIssueWords" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY "tenant" ON "AgentIssueWords"
  USING (
    "organizationId" = current_setting('app.organization_id', true)
    AND array_to_tsvector("words") @@ COALESCE(NULLIF(current_setting('app.issue_search', true), ''), '!''-''')::tsquery
  )
  WITH CHECK ("organizationId" = current_setting('app.organization_id', true));
CREATE POLICY "platform_read" ON "AgentIssueWords" FOR SELECT TO agents_platform USING (true);

GRANT SELECT, INSERT, UPDATE ON "AgentIssueWords" TO agents_app;
GRANT SELECT ON "AgentIssueWords" TO agents_platform;
