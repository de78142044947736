/** A submission as it is stored: without the secrets that its texts held. */
import type { SubmitRequest } from "../contracts/http.ts";
import { redactFields, redactText } from "../core/redaction/redact.ts";

export interface RedactedSubmission {
  readonly request: SubmitRequest;
  /** Paths of the fields that held secrets; those of `context` go on into it. */
  readonly redacted: readonly string[];
}

const freeTexts = ["title", "description", "externalId", "concurrencyKey"] as const;

/** The request with every text redacted that its caller could write freely. */
export function redactedSubmission(request: SubmitRequest): RedactedSubmission {
  const redacted: string[] = [];
  const texts: Partial<Record<(typeof freeTexts)[number], string>> = {};
  for (const field of freeTexts) {
    const text = request[field];
    if (text === undefined) continue;
    texts[field] = redactText(text);
    if (texts[field] !== text) redacted.push(field);
  }
  const context = redactFields(request.context, (path) => redacted.push(path), "context");
  return redacted.length === 0 ? { request, redacted } : { request: { ...request, ...texts, context }, redacted };
}
