/** The model port against a real HTTP server that speaks the Messages API, and against servers that do not. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { LLMock, type Fixture } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ModelCallError, type ModelCallOptions, type ModelRequest } from "../../src/contracts/ports.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { TokenUsage } from "../../src/core/money.ts";
import { retryAfterMs } from "../../src/integrations/anthropic/call-errors.ts";
import { createAnthropicModel } from "../../src/integrations/anthropic/model-port.ts";
import { requestBody } from "../../src/integrations/anthropic/stored-request.ts";

const request: ModelRequest = {
  modelId: "claude-sonnet-5-5",
  system: "You are a test.",
  toolsJson: JSON.stringify([
    { name: "look", description: "Looks.", input_schema: { type: "object", properties: {} } },
  ]),
  messages: [JSON.stringify({ role: "user", content: [{ type: "text", text: "Go. ü \u2028 “quoted”" }] })],
  maxTokens: 1_000,
  outputSchemaJson: null,
};

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
const servers: { close(): void; closeAllConnections(): void }[] = [];

beforeAll(async () => {
  await mock.start();
});
afterEach(() => {
  mock.clearFixtures();
});
afterAll(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await mock.stop();
});

function answering(response: Fixture["response"], options: Omit<Fixture, "match" | "response"> = {}): void {
  mock.addFixture({ match: {}, response, ...options });
}

function modelAt(baseUrl: string) {
  return createAnthropicModel({ apiKey: "test-key", baseUrl, clock: systemClock });
}

function call(options: { baseUrl?: string } & Partial<ModelCallOptions> = {}) {
  return modelAt(options.baseUrl ?? mock.url).call(request, {
    signal: options.signal ?? new AbortController().signal,
    onText: options.onText ?? (() => undefined),
    onUsage: options.onUsage ?? (() => undefined),
  });
}

async function failedCall(work: Promise<unknown>): Promise<ModelCallError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelCallError)) throw new Error(`not a ModelCallError: ${String(error)}`);
  return error;
}

async function failure(work: Promise<unknown>): Promise<Pick<ModelCallError, "failureClass" | "reason">> {
  const { failureClass, reason } = await failedCall(work);
  return { failureClass, reason };
}

/** A server that gives one fixed answer to everything. */
function serverOf(status: number, headers: Record<string, string>, body: string): Promise<string> {
  return listening(createServer((_incoming, response) => response.writeHead(status, headers).end(body)));
}

/** Starts the server, which ends with the suite, and tells its origin. */
async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

function blockEvents(index: number, block: object, deltas: readonly object[]): StreamEvent[] {
  return [
    { type: "content_block_start", index, content_block: block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

const eventStream = (events: readonly StreamEvent[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

const messageStart = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [],
    model: request.modelId,
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 5,
      cache_creation_input_tokens: 70,
      cache_read_input_tokens: 900,
      output_tokens: 1,
    },
  },
};

describe("a reply", () => {
  test("holds words, calls and usage, and streams its words", async () => {
    answering({
      content: "I look there first.",
      toolCalls: [{ id: "toolu_1", name: "look", arguments: '{"at":"x"}' }],
      reasoning: "Where might it be?",
      reasoningSignature: "sig",
      usage: { input_tokens: 12, output_tokens: 34 },
    });
    const heard: string[] = [];
    const reply = await call({ onText: (text) => heard.push(text) });
    expect(heard.join("")).toBe("I look there first.");
    expect(reply).toMatchObject({
      text: "I look there first.",
      toolCalls: [{ id: "toolu_1", name: "look", input: { at: "x" } }],
      stopReason: "tool_use",
      usage: { inputTokens: 12, outputTokens: 34, cacheReadTokens: 0, cacheWriteTokens: 0 },
    });
    expect(JSON.parse(reply.message)).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Where might it be?", signature: "sig" },
        { type: "text", text: "I look there first." },
        { type: "tool_use", id: "toolu_1", name: "look", input: { at: "x" } },
      ],
    });
  });

  test("counts all four token classes", async () => {
    const baseUrl = await serverOf(
      200,
      { "content-type": "text/event-stream" },
      eventStream([
        messageStart,
        ...blockEvents(0, { type: "text", text: "" }, [{ type: "text_delta", text: "ok" }]),
        { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } },
        { type: "message_stop" },
      ]),
    );
    expect((await call({ baseUrl })).usage).toEqual({
      inputTokens: 5,
      cacheWriteTokens: 70,
      cacheReadTokens: 900,
      outputTokens: 7,
    });
  });

  test("leaves out blocks that broke off", async () => {
    const thinking = { type: "thinking", thinking: "", signature: "" };
    const baseUrl = await serverOf(
      200,
      { "content-type": "text/event-stream" },
      eventStream([
        messageStart,
        ...blockEvents(0, thinking, [
          { type: "thinking_delta", thinking: "thought out" },
          { type: "signature_delta", signature: "s" },
        ]),
        ...blockEvents(1, { type: "text", text: "" }, [{ type: "text_delta", text: "half" }]),
        ...blockEvents(2, { type: "text", text: "" }, []),
        ...blockEvents(3, thinking, [{ type: "thinking_delta", thinking: "broken o" }]),
        { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 7 } },
        { type: "message_stop" },
      ]),
    );
    const reply = await call({ baseUrl });
    expect(reply.stopReason).toBe("max_tokens");
    expect(JSON.parse(reply.message)).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "thought out", signature: "s" },
        { type: "text", text: "half" },
      ],
    });
  });
});

describe("a request", () => {
  test("carries stored bytes, two cache breakpoints and nothing that newer models refuse", async () => {
    const seen: string[] = [];
    const server = createServer((incoming, response) => {
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk: string) => seen.push(chunk));
      incoming.on("end", () => response.writeHead(500).end());
    });
    await failure(call({ baseUrl: await listening(server) }));

    const body = seen.join("");
    expect(body).toContain(request.messages[0]);
    expect(body).toContain(request.toolsJson);
    expect(JSON.parse(body)).toMatchObject({
      stream: true,
      max_tokens: 1_000,
      cache_control: { type: "ephemeral" },
      system: [{ type: "text", text: request.system, cache_control: { type: "ephemeral" } }],
    });
    for (const refused of ["tool_choice", "temperature", "top_p", "top_k", "budget_tokens"]) {
      expect(body).not.toContain(`"${refused}"`);
    }
  });

  test("asks for data when the agent answers with data, and names no tools when it has none", () => {
    const body: unknown = JSON.parse(
      requestBody({ ...request, toolsJson: "[]", outputSchemaJson: '{"type":"object"}' }),
    );
    expect(body).toMatchObject({ output_config: { format: { type: "json_schema", schema: { type: "object" } } } });
    expect(body).not.toHaveProperty("tools");
  });

  test("is the one before it, byte for byte, plus what was appended", () => {
    const spaced = '{"role": "assistant",  "content":[{"type":"thinking","thinking":"\u00fc","signature":"s"}]}';
    const before = requestBody(request);
    const after = requestBody({ ...request, messages: [...request.messages, spaced] });
    expect(after).toBe(`${before.slice(0, -"]}".length)},${spaced}]}`);
  });
});

describe("a failed call", () => {
  test.each([
    [400, "final", "request_refused"],
    [401, "final", "authentication"],
    [402, "final", "spend_cap"],
    [403, "final", "permission"],
    [404, "final", "unknown_model"],
    [408, "transient", "request_timeout"],
    [409, "transient", "conflict"],
    [413, "final", "request_too_large"],
    [422, "final", "request_refused"],
    [429, "transient", "rate_limited"],
    [500, "transient", "server_error"],
    [503, "transient", "server_error"],
    [529, "transient", "overloaded"],
  ])("with status %i is %s: %s, and was tried once", async (status, failureClass, reason) => {
    mock.clearRequests();
    answering({ error: { message: "no", type: "some_error" }, status });
    expect(await failure(call())).toEqual({ failureClass, reason });
    expect(mock.getRequests()).toHaveLength(1);
  });

  test.each([
    [429, "rate_limit_error", "enforced_spend_limit_reached", "monthly threshold"],
    [429, "rate_limit_error", "contract_spend_limit_reached", "contract"],
    [429, "billing_error", null, "no credit"],
    [
      400,
      "invalid_request_error",
      null,
      "You have reached your specified API usage limits. You will regain access on …",
    ],
  ])("with status %i, type %s and code %s for a spend cap is final", async (status, type, code, message) => {
    const details = code === null ? {} : { details: { error_code: code } };
    const body = JSON.stringify({ type: "error", error: { type, message, ...details } });
    const baseUrl = await serverOf(status, { "content-type": "application/json" }, body);
    expect(await failure(call({ baseUrl }))).toEqual({ failureClass: "final", reason: "spend_cap" });
  });

  test("with status 429 for growing too fast is a rate limit like any other", async () => {
    const details = { error_code: "ramp_limit_exceeded" };
    const body = JSON.stringify({ type: "error", error: { type: "rate_limit_error", message: "slow", details } });
    const baseUrl = await serverOf(429, { "content-type": "application/json", "retry-after": "4" }, body);
    const error = await failedCall(call({ baseUrl }));
    expect(error).toMatchObject({ failureClass: "transient", reason: "rate_limited", retryAfterMs: 4_000 });
  });

  test("says when to come back", async () => {
    answering({ error: { message: "slow down", type: "rate_limit_error" }, status: 429, retryAfter: 7 });
    await expect(call()).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });

  test("by a stream that is cut is transient", async () => {
    answering({ content: "a long answer that never ends ".repeat(20) }, { truncateAfterChunks: 4 });
    expect((await failure(call())).failureClass).toBe("transient");
  });

  test("by malformed bytes is transient", async () => {
    answering({ content: "fine" }, { chaos: { malformedRate: 1 } });
    expect((await failure(call())).failureClass).toBe("transient");
  });

  test("by a dropped connection is transient", async () => {
    answering({ content: "fine" }, { chaos: { disconnectRate: 1 } });
    expect((await failure(call())).failureClass).toBe("transient");
  });

  test("by a page of HTML with status 200 is transient", async () => {
    const baseUrl = await serverOf(
      200,
      { "content-type": "text/html" },
      "<html><body>Welcome to the proxy</body></html>",
    );
    expect(await failure(call({ baseUrl }))).toEqual({ failureClass: "transient", reason: "not_the_api" });
  });

  test("by an answer without end is given up after a bounded number of bytes", async () => {
    let sentBytes = 0;
    const words = "x".repeat(64_000);
    const delta = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words } };
    const server = createServer((_incoming, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(eventStream([messageStart, ...blockEvents(0, { type: "text", text: "" }, []).slice(0, 1)]));
      const more = (): void => {
        while (!response.destroyed && sentBytes < 50_000_000) {
          sentBytes += words.length;
          if (!response.write(eventStream([delta]))) {
            response.once("drain", more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const error = await failedCall(call({ baseUrl: await listening(server) }));
    expect(error).toMatchObject({ failureClass: "permanent", reason: "answer_too_large", reached: true });
    expect(sentBytes).toBeLessThan(10_000_000);
  });

  test("by a stream that ends without its last event is transient", async () => {
    const baseUrl = await serverOf(200, { "content-type": "text/event-stream" }, eventStream([messageStart]));
    expect(await failure(call({ baseUrl }))).toEqual({ failureClass: "transient", reason: "broken_stream" });
  });

  test.each([
    ["overloaded_error", "transient", "overloaded"],
    ["invalid_request_error", "final", "request_refused"],
    ["billing_error", "final", "spend_cap"],
    ["api_error", "transient", "server_error"],
  ])("by the event %s within a stream is %s", async (type, failureClass, reason) => {
    const event = { type: "error", error: { type, message: "in the middle" } };
    const baseUrl = await serverOf(200, { "content-type": "text/event-stream" }, eventStream([messageStart, event]));
    expect(await failure(call({ baseUrl }))).toEqual({ failureClass, reason });
  });

  test("without a server is transient", async () => {
    const baseUrl = await serverOf(200, {}, "");
    const server = servers.pop();
    server?.close();
    server?.closeAllConnections();
    expect(await failure(call({ baseUrl }))).toEqual({ failureClass: "transient", reason: "connection" });
  });

  test.each([400, 401, 404, 408, 413, 429, 529])("with status %i provably never reached the model", async (status) => {
    answering({ error: { message: "no", type: "some_error" }, status });
    expect((await failedCall(call())).reached).toBe(false);
  });

  test.each([500, 503])("with status %i may have reached the model", async (status) => {
    answering({ error: { message: "no", type: "some_error" }, status });
    expect((await failedCall(call())).reached).toBe(true);
  });

  test("reached nobody where nobody listens, and may have where the connection was lost", async () => {
    const baseUrl = await serverOf(200, {}, "");
    servers.pop()?.close();
    expect((await failedCall(call({ baseUrl }))).reached).toBe(false);
    answering({ content: "fine" }, { chaos: { disconnectRate: 1 } });
    expect((await failedCall(call())).reached).toBe(true);
  });

  test("tells what was seen of it: the prompt as reported, and a token for every byte of the answer", async () => {
    const seen: TokenUsage[] = [];
    const words = blockEvents(0, { type: "text", text: "" }, [{ type: "text_delta", text: "größer" }]);
    const events = eventStream([messageStart, ...words.slice(0, 2)]);
    const baseUrl = await serverOf(200, { "content-type": "text/event-stream" }, events);
    const error = await failedCall(call({ baseUrl, onUsage: (usage) => seen.push(usage) }));
    expect(error.reached).toBe(true);
    const prompt = { inputTokens: 5, cacheWriteTokens: 70, cacheReadTokens: 900 };
    expect(seen).toEqual([
      { ...prompt, outputTokens: 1 },
      { ...prompt, outputTokens: 8 },
    ]);
  });

  test("by an abort throws the signal's own reason", async () => {
    answering({ content: "slow words ".repeat(50), usage: { input_tokens: 12, output_tokens: 34 } }, { latency: 50 });
    const abort = new AbortController();
    const reason = new Error("enough");
    const onText = (): void => abort.abort(reason);
    const observed: TokenUsage[] = [];
    const onUsage = (usage: TokenUsage): unknown => observed.push(usage);
    await expect(call({ signal: abort.signal, onText, onUsage })).rejects.toBe(reason);
    expect(observed[0]).toMatchObject({ inputTokens: 12 });
  });
});

describe("retryAfterMs", () => {
  const nowMs = Date.parse("2026-03-01T00:00:00Z");
  test.each([
    [{}, null],
    [{ "retry-after": "3" }, 3_000],
    [{ "retry-after": "3", "retry-after-ms": "250" }, 250],
    [{ "retry-after": "Sun, 01 Mar 2026 00:00:10 GMT" }, 10_000],
    [{ "retry-after": "Sat, 28 Feb 2026 00:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, null],
  ])("of %j is %s", (headers, expected) => {
    expect(retryAfterMs(new Headers(headers), nowMs)).toBe(expected);
  });
});
