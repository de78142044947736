import { createClient } from "@supabase/supabase-js";
import type { PermissionLevel } from "@/modules/briefs/brief-types";
import { prisma } from "@/modules/database/prisma";

const supabase = createClient(process.env.SUPABASE_URL ?? "", process.env.SUPABASE_ANON_KEY ?? "");

export interface Session {
  readonly userId: string;
  readonly organizationId: string;
  readonly permissionLevel: PermissionLevel;
}

/** The active user behind a request; throws a 401 response when there is none. */
export async function requireSession(request: Request): Promise<Session> {
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
  const { data } = await supabase.auth.getUser(token);
  const user = data.user && (await prisma.user.findUnique({ where: { supabaseId: data.user.id } }));
  if (!user?.isActive) throw new Response(null, { status: 401 });
  return { userId: user.id, organizationId: user.organizationId, permissionLevel: user.permissionLevel };
}
