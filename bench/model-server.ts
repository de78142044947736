/** A model without latency: it asks for one file a turn, so many turns long, and tells when each request came. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { text as readText } from "node:stream/consumers";

export interface ModelRequest {
  /** Answers that the conversation holds already. */
  readonly turn: number;
  readonly body: string;
  /** When all of it had come. */
  readonly atMs: number;
}

export interface ModelServer {
  readonly url: string;
  /** Told of every request before it is answered. */
  onRequest: (request: ModelRequest) => Promise<void> | void;
  /** Whether marked conversations are flooded; ends the flood that is under way when it is turned off. */
  setFlooding(isOn: boolean): void;
  close(): Promise<void>;
}

const words = "I read the next file, because the one before it calls into it. ".repeat(8);

function event(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

function block(index: number, content: object, delta: object): string {
  return [
    event("content_block_start", { index, content_block: content }),
    event("content_block_delta", { index, delta }),
    event("content_block_stop", { index }),
  ].join("");
}

function answer(turn: number, isLast: boolean): string {
  const call = isLast
    ? { name: "finish", input: { summary: "Read." } }
    : { name: "read_file", input: { path: `src/file-${turn}.ts` } };
  const usage = {
    input_tokens: 10,
    cache_creation_input_tokens: 400,
    cache_read_input_tokens: 4_000,
    output_tokens: 1,
  };
  const message = {
    id: `msg_${turn}`,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5-5",
    content: [],
    stop_reason: null,
    usage,
  };
  return [
    event("message_start", { message }),
    block(0, { type: "text", text: "" }, { type: "text_delta", text: words }),
    block(
      1,
      { type: "tool_use", id: `toolu_${turn}`, name: call.name, input: {} },
      { type: "input_json_delta", partial_json: JSON.stringify(call.input) },
    ),
    event("message_delta", { delta: { stop_reason: "tool_use" }, usage: { output_tokens: 150 } }),
    event("message_stop", {}),
  ].join("");
}

/** Words without end, so many characters a second, until they are stopped or the caller goes away. */
async function flood(response: ServerResponse, charactersPerSecond: number, stopped: Promise<unknown>): Promise<void> {
  const beatMs = 50;
  const chunk = "x".repeat((charactersPerSecond * beatMs) / 1_000);
  response.write(answer(0, false).split("event: content_block_delta")[0] ?? "");
  const timer = setInterval(() => {
    response.write(event("content_block_delta", { index: 0, delta: { type: "text_delta", text: chunk } }));
  }, beatMs);
  await Promise.race([once(response, "close"), stopped]);
  clearInterval(timer);
  response.destroy();
}

export interface ModelServerOptions {
  readonly turns: number;
  /** A conversation that holds this text is answered with so many characters a second, for ever. */
  readonly flooding?: { readonly mark: string; readonly charactersPerSecond: number };
}

export async function startModelServer({ turns, flooding }: ModelServerOptions): Promise<ModelServer> {
  let isFlooding = false;
  let stopped = Promise.withResolvers<void>();
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await readText(incoming);
      const turn = body.split('"role":"assistant"').length - 1;
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (flooding !== undefined && body.includes(flooding.mark)) {
        if (isFlooding) await flood(response, flooding.charactersPerSecond, stopped.promise);
        else response.end(answer(turn, true));
        return;
      }
      await handle.onRequest({ turn, body, atMs: performance.now() });
      response.end(answer(turn, turn === turns));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the model listens on a TCP port");
  const handle: ModelServer = {
    url: `http://127.0.0.1:${address.port}`,
    onRequest: () => undefined,
    setFlooding: (isOn) => {
      if (!isOn) stopped.resolve();
      else stopped = Promise.withResolvers<void>();
      isFlooding = isOn;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return handle;
}
