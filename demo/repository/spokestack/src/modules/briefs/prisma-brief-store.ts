import { prisma } from "@/modules/database/prisma";
import type { BriefStore } from "./brief-service";

export const prismaBriefStore: BriefStore = {
  find: (organizationId, briefId) => prisma.brief.findFirst({ where: { id: briefId, organizationId } }),
  saveStatus: async ({ before, after, changedById, notes }) => {
    const { status, submittedAt, startDate, completedAt, revisionCount } = after;
    await prisma.$transaction([
      prisma.brief.update({
        where: { id: after.id, status: before.status },
        data: { status, submittedAt, startDate, completedAt, revisionCount },
      }),
      prisma.briefStatusHistory.create({
        data: { briefId: after.id, fromStatus: before.status, toStatus: status, changedById, notes },
      }),
    ]);
  },
};
