/** A Messages API behind `fetch`: it follows a script, keeps every request, and does to a call whatever the test wants. */
import { z } from "zod";

export interface ApiTurn {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly input?: unknown }[];
  readonly stopReason?: string;
}

/** What the model answers when the conversation holds so many answers already. */
export type ApiScript = (turn: number) => ApiTurn;

/** What becomes of a call in place of its answer. */
export type ApiFault =
  | "rate_limited"
  | "server_error"
  | "overloaded"
  | "cut"
  | "malformed"
  | "html"
  | "spend_cap"
  | "refused_request";

export const transientFaults: readonly ApiFault[] = [
  "rate_limited",
  "server_error",
  "overloaded",
  "cut",
  "malformed",
  "html",
];

const requestSchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]) })),
});
const usage = { input_tokens: 10, cache_creation_input_tokens: 200, cache_read_input_tokens: 1_000, output_tokens: 1 };

function eventText(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

function blockText(index: number, block: object, delta: object): string {
  return [
    eventText("content_block_start", { index, content_block: block }),
    eventText("content_block_delta", { index, delta }),
    eventText("content_block_stop", { index }),
  ].join("");
}

/** How an answer begins. */
export function beginningText(model: string, turn: number): string {
  const message = {
    id: `msg_${turn}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    usage,
  };
  return eventText("message_start", { message });
}

/** The events of an answer. Ids follow from the turn, so that a repeated call gets the same answer. */
function answerText(model: string, turn: number, { text = "", calls = [], stopReason }: ApiTurn): string {
  const blocks: readonly (readonly [block: object, delta: object])[] = [
    [
      { type: "thinking", thinking: "", signature: "" },
      { type: "signature_delta", signature: `s${turn}` },
    ],
    ...(text === ""
      ? []
      : [
          [
            { type: "text", text: "" },
            { type: "text_delta", text },
          ] as const,
        ]),
    ...calls.map(
      ({ name, input = {} }, index) =>
        [
          { type: "tool_use", id: `toolu_${turn}_${index}`, name, input: {} },
          { type: "input_json_delta", partial_json: JSON.stringify(input) },
        ] as const,
    ),
  ];
  const stop = stopReason ?? (calls.length > 0 ? "tool_use" : "end_turn");
  return [
    beginningText(model, turn),
    ...blocks.map(([block, delta], index) => blockText(index, block, delta)),
    eventText("message_delta", { delta: { stop_reason: stop }, usage: { output_tokens: 40 } }),
    eventText("message_stop", {}),
  ].join("");
}

/** The answer of a connection that ends when the caller gives up. */
function untilAborted(response: Response, signal: AbortSignal | null | undefined): Response {
  const { body, headers } = response;
  return new Response(body?.pipeThrough(new TransformStream(), signal ? { signal } : {}), { headers });
}

function streamOf(...parts: readonly string[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(encoder.encode(part));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function errorOf(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ type: "error", error: { type, message } }, { status, headers });
}

function faultOf(fault: ApiFault, whole: string): Response {
  switch (fault) {
    case "rate_limited":
      return errorOf(429, "rate_limit_error", "slow down", { "retry-after": "2" });
    case "server_error":
      return errorOf(500, "api_error", "oops");
    case "overloaded":
      return errorOf(529, "overloaded_error", "busy");
    case "spend_cap":
      return errorOf(429, "billing_error", "the account is empty");
    case "refused_request":
      return errorOf(400, "invalid_request_error", "this cannot be");
    case "cut":
      return streamOf(whole.slice(0, Math.floor(whole.length * 0.6)));
    case "malformed":
      return streamOf(whole.replace(/"partial_json":"/gu, '"partial_json":'));
    case "html":
  }
  return new Response("<html>Welcome to the proxy</html>", { headers: { "content-type": "text/html" } });
}

export class ScriptedApi {
  /** Bodies of the requests, in the order they came. */
  readonly requests: string[] = [];
  readonly #script: ApiScript;
  /** What becomes of a call: by the answers that its conversation holds, and by how often it was made. */
  readonly #faultAt: (turn: number, tries: number) => ApiFault | Response | Promise<Response> | null;
  readonly #tries = new Map<number, number>();

  constructor(
    script: ApiScript,
    faultAt: (turn: number, tries: number) => ApiFault | Response | Promise<Response> | null = () => null,
  ) {
    this.#script = script;
    this.#faultAt = faultAt;
  }

  /** Takes the place of the global `fetch`. Throws for anything but a call of the Messages API. */
  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.endsWith("/v1/messages") || typeof init?.body !== "string") throw new Error(`unexpected request: ${url}`);
    this.requests.push(init.body);
    const { model, messages } = requestSchema.parse(JSON.parse(init.body));
    const turn = messages.filter(({ role }) => role === "assistant").length;
    const tries = (this.#tries.get(turn) ?? 0) + 1;
    this.#tries.set(turn, tries);
    const whole = answerText(model, turn, this.#script(turn));
    const fault = await this.#faultAt(turn, tries);
    if (fault === null) return streamOf(whole);
    return fault instanceof Response ? untilAborted(fault, init.signal) : faultOf(fault, whole);
  };
}
