/** From the audit's entries to what the API shows. */
import type { z } from "zod";
import type { AuditEntry, DecisionEntry } from "../contracts/audit.ts";
import type { auditListSchema } from "../contracts/http-access.ts";
import { isoTime } from "../core/clock.ts";
import { switchView } from "./switch-views.ts";
import { settingsView } from "./views.ts";

type AuditView = z.infer<typeof auditListSchema>["items"][number];

function settingsChangeView({ now, before }: NonNullable<AuditEntry["settings"]>): AuditView["settings"] {
  return { now: settingsView(now), before: before === null ? null : settingsView(before) };
}

/** What an operator changed. */
export function changeView({ atMs, subject, settings, ...entry }: AuditEntry): AuditView {
  return {
    ...entry,
    at: isoTime(atMs),
    subject: subject === null ? null : switchView(subject),
    settings: settings === null ? null : settingsChangeView(settings),
    decision: null,
  };
}

/** What somebody decided in an organization. */
export function decisionView(organizationId: string, entry: DecisionEntry): AuditView {
  const { number, atMs, action, outcome, actor, reason, issueId, reviewId } = entry;
  return {
    number,
    at: isoTime(atMs),
    action,
    scope: { kind: "organization", value: organizationId },
    actor: { kind: "person", name: actor },
    reason,
    subject: null,
    settings: null,
    sessionId: null,
    decision: { outcome, issueId, reviewId },
  };
}
