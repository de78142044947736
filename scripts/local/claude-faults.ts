/** What the stand-in of Claude can do to a call in place of answering it, as the API does it on bad days. */
import type { ServerResponse } from "node:http";

export type ClaudeFault = "rate_limited" | "overloaded" | "server_error" | "html" | "cut" | "spend_cap" | "refused";

interface ErrorAnswer {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Statuses and types as the API's documentation of errors has them. */
const errorAnswers: Readonly<Record<Exclude<ClaudeFault, "html" | "cut">, ErrorAnswer>> = {
  rate_limited: { status: 429, type: "rate_limit_error", message: "slow down", headers: { "retry-after": "1" } },
  overloaded: { status: 529, type: "overloaded_error", message: "busy" },
  server_error: { status: 500, type: "api_error", message: "oops" },
  // A cap that comes as a rate limit, which no wait lifts.
  spend_cap: {
    status: 429,
    type: "rate_limit_error",
    message: "the organization has reached its limit",
    details: { error_code: "enforced_spend_limit_reached" },
  },
  refused: { status: 400, type: "invalid_request_error", message: "this cannot be" },
};

/** Answers a call with a fault. `whole` is the answer that it would have got, of which a cut connection shows a part. */
export async function answerFault(
  response: ServerResponse,
  fault: ClaudeFault,
  whole: () => Promise<string>,
): Promise<void> {
  if (fault === "html") {
    response.writeHead(200, { "content-type": "text/html" }).end("<html>Welcome to the proxy</html>");
    return;
  }
  if (fault === "cut") {
    const text = await whole();
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text.slice(0, Math.floor(text.length * 0.6)), () => response.destroy());
    return;
  }
  const { status, type, message, details, headers } = errorAnswers[fault];
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ type: "error", error: { type, message, details } }));
}
