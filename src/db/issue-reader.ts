/** Reads an organization's issues from Postgres, each answer in one transaction of that organization. */
import type { IssueDetail } from "../contracts/organization-rpc.ts";
import type { IssueReader, ReviewPage } from "../contracts/ports.ts";
import type { Prisma } from "./generated/client.ts";
import { databaseFailure } from "./database-failure.ts";
import { listIssueRows } from "./issue-list.ts";
import { jobHistory } from "./job-history.ts";
import { listArtifacts, listLogs, listSteps, visibleTo } from "./issue-parts.ts";
import type { DatabaseSettings } from "./neon-driver.ts";
import { inTenant, withPrisma, type TenantTransaction } from "./prisma-client.ts";
import {
  artifactView,
  effectRecord,
  feedbackRecord,
  issueRecord,
  jobRecord,
  messageRecord,
  questionRecord,
  reviewRecord,
} from "./rows-to-records.ts";

/** Every method throws `AgentError` `unavailable` while Postgres cannot be reached. */
export function createIssueReader(settings: DatabaseSettings): IssueReader {
  const inOrganization = async <Result>(
    organizationId: string,
    read: (transaction: TenantTransaction) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await withPrisma(settings, async (prisma) => inTenant(prisma, organizationId, read));
    } catch (error) {
      throw databaseFailure(error);
    }
  };
  return {
    list: async (page) => {
      const rows = await inOrganization(page.organizationId, async (transaction) => listIssueRows(transaction, page));
      return rows.map((row) => issueRecord(row));
    },

    read: async (organizationId, issueId, visibility) =>
      inOrganization(organizationId, async (transaction) =>
        detailOf(transaction, organizationId, { id: issueId, ...visibleTo(visibility) }),
      ),

    readByReview: async (organizationId, reviewId) =>
      inOrganization(organizationId, async (transaction) =>
        detailOf(transaction, organizationId, { reviews: { some: { organizationId, id: reviewId } } }),
      ),

    listSteps: async (query) =>
      inOrganization(query.organizationId, async (transaction) => listSteps(transaction, query)),

    listLogs: async (query) =>
      inOrganization(query.organizationId, async (transaction) => listLogs(transaction, query)),

    listArtifacts: async (query) =>
      inOrganization(query.organizationId, async (transaction) => listArtifacts(transaction, query)),

    jobHistory: async (organizationId, kind) =>
      inOrganization(organizationId, async (transaction) => jobHistory(transaction, organizationId, kind)),

    readArtifact: async (organizationId, artifactId) => {
      const row = await inOrganization(organizationId, async ({ agentArtifact }) =>
        agentArtifact.findFirst({ where: { organizationId, id: artifactId } }),
      );
      return row === null ? null : artifactView(row);
    },

    listReviews: async (page) => {
      const rows = await inOrganization(page.organizationId, async ({ agentReview }) =>
        agentReview.findMany({
          where: reviewsOf(page),
          orderBy: [{ createdAt: "desc" }, { id: "desc" }],
          take: page.limit,
        }),
      );
      return rows.map((row) => reviewRecord(row));
    },
  };
}

function reviewsOf({ organizationId, status, before, through, excludeIds }: ReviewPage): Prisma.AgentReviewWhereInput {
  const places: Prisma.AgentReviewWhereInput[] = [];
  if (before !== null) {
    const createdAt = new Date(before.createdAtMs);
    // The first condition is implied; it lets the index begin there.
    places.push({ createdAt: { lte: createdAt }, OR: [{ createdAt: { lt: createdAt } }, { id: { lt: before.id } }] });
  }
  if (through !== null) {
    const createdAt = new Date(through.createdAtMs);
    places.push({ createdAt: { gte: createdAt }, OR: [{ createdAt: { gt: createdAt } }, { id: { gte: through.id } }] });
  }
  return {
    organizationId,
    AND: places,
    ...(status === null ? {} : { status: { in: [...status] } }),
    ...(excludeIds.length === 0 ? {} : { id: { notIn: [...excludeIds] } }),
  };
}

/** The one issue of the organization that a condition describes. */
async function detailOf(
  { agentIssue, agentStep }: TenantTransaction,
  organizationId: string,
  which: Prisma.AgentIssueWhereInput,
): Promise<IssueDetail | null> {
  const row = await agentIssue.findFirst({
    where: { ...which, organizationId },
    include: {
      jobs: oldestFirst,
      reviews: oldestFirst,
      effects: oldestFirst,
      questions: { orderBy: { id: "asc" } },
      messages: { orderBy: { id: "asc" } },
      feedback: { orderBy: { person: "asc" } },
    },
  });
  if (row === null) return null;
  return {
    issue: issueRecord(row),
    jobs: row.jobs.map((job) => jobRecord(job)),
    stepCount: await agentStep.count({ where: { organizationId, issueId: row.id } }),
    reviews: row.reviews.map((review) => reviewRecord(review)),
    effects: row.effects.map((effect) => effectRecord(effect)),
    questions: row.questions.map((question) => questionRecord(question)),
    messages: row.messages.map((message) => messageRecord(message)),
    feedback: row.feedback.map((given) => feedbackRecord(given)),
    // What the object has given up has nothing left to run.
    waitingFor: null,
    reservedMicroUsd: 0,
    waitingReason: null,
  };
}

const oldestFirst: { orderBy: ({ createdAt: "asc" } | { id: "asc" })[] } = {
  orderBy: [{ createdAt: "asc" }, { id: "asc" }],
};
