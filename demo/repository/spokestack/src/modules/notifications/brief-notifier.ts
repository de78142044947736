import { prisma } from "@/modules/database/prisma";
import type { BriefNotifier } from "@/modules/briefs/brief-service";

/** Puts a line into the inbox of the brief's author and of whoever works on it. */
export const briefNotifier: BriefNotifier = {
  statusChanged: async (brief, from) => {
    const userIds = new Set([brief.createdById, ...(brief.assigneeId === null ? [] : [brief.assigneeId])]);
    await prisma.notification.createMany({
      data: [...userIds].map((userId) => ({
        organizationId: brief.organizationId,
        userId,
        type: "BRIEF_STATUS",
        title: `${brief.briefNumber}: ${from} → ${brief.status}`,
        entityType: "brief",
        entityId: brief.id,
      })),
    });
  },
};
