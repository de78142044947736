/** From switches and their audit to what the API shows. */
import type { z } from "zod";
import type { auditListSchema, switchViewSchema } from "../contracts/http-switches.ts";
import type { AuditEntry } from "../contracts/platform-rpc.ts";
import type { Switch } from "../contracts/switches.ts";
import { isoTime } from "../core/clock.ts";

export function switchView(shown: Switch): z.infer<typeof switchViewSchema> {
  const { createdAtMs, expiresAtMs, ...rest } = shown;
  return { ...rest, createdAt: isoTime(createdAtMs), expiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs) };
}

export function auditView(entry: AuditEntry): z.infer<typeof auditListSchema>["items"][number] {
  const { atMs, subject, ...rest } = entry;
  return { ...rest, at: isoTime(atMs), subject: subject === null ? null : switchView(subject) };
}
