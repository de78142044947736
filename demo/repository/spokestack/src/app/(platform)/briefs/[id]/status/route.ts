import { z } from "zod";
import { changeBriefStatus } from "@/modules/briefs/brief-service";
import { briefStatuses } from "@/modules/briefs/brief-types";
import { prismaBriefStore } from "@/modules/briefs/prisma-brief-store";
import { briefNotifier } from "@/modules/notifications/brief-notifier";
import { requireSession } from "@/modules/session/require-session";

const bodySchema = z.object({ status: z.enum(briefStatuses), notes: z.string().max(2000).optional() });

const problems = {
  not_found: { status: 404, message: "Brief not found" },
  closed: { status: 409, message: "This brief is closed" },
  not_reachable: { status: 409, message: "This status cannot follow the present one" },
  not_permitted: { status: 403, message: "Your role may not set this status" },
} as const;

export async function PATCH(request: Request, { params }: { params: { id: string } }): Promise<Response> {
  const session = await requireSession(request);
  const body = bodySchema.safeParse(await request.json());
  if (!body.success) {
    return Response.json({ success: false, error: { code: "VALIDATION", message: body.error.message } }, { status: 422 });
  }
  const change = await changeBriefStatus(
    { store: prismaBriefStore, notifier: briefNotifier },
    {
      organizationId: session.organizationId,
      briefId: params.id,
      status: body.data.status,
      person: { id: session.userId, level: session.permissionLevel },
      notes: body.data.notes ?? null,
      at: new Date(),
    },
  );
  if (change.ok) return Response.json({ success: true, data: change.brief });
  const { status, message } = problems[change.reason];
  return Response.json({ success: false, error: { code: change.reason.toUpperCase(), message } }, { status });
}
