/** Stand-in of Claude: aimock speaks the Messages API, a script decides, and a gate before it counts, waits and holds. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { LLMock, type Fixture } from "@copilotkit/aimock";
import { answerFault, type ClaudeFault } from "./claude-faults.ts";
import { readRequest, type ClaudeRequest } from "./claude-conversation.ts";
import { demoScript, type ClaudeScript } from "./claude-script.ts";
import { promptUsage, tokensOf, type PromptUsage } from "./claude-usage.ts";

/** One model call, in the order of arrival. */
interface ClaudeCall {
  /** Counts from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly agent: string;
  /** Answers that the conversation holds already: the call's place within its attempt. */
  readonly assistantTurns: number;
  readonly model: string;
  /** The whole body as it was sent. */
  readonly body: string;
  /** `dropped`: the caller went away before its answer; `failed`: it got a fault instead. */
  readonly outcome: "waiting" | "answered" | "dropped" | "failed";
}

interface ClaudeHold {
  /** Resolves when the first matching call has arrived; it and all later ones wait. */
  readonly reached: Promise<ClaudeCall>;
  /** Lets the held calls go on. */
  release(): void;
}

export interface ClaudeStandIn {
  readonly url: string;
  /** Every model call so far. */
  requests(): readonly ClaudeCall[];
  /** Holds calls that match, before they are answered, until released. */
  holdBefore(predicate: (call: ClaudeCall) => boolean): ClaudeHold;
  /** Has the next call that matches fail, once. */
  failOnce(predicate: (call: ClaudeCall) => boolean, fault: ClaudeFault): void;
  close(): Promise<void>;
}

export interface ClaudeOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly script?: ClaudeScript;
  /** How long the model seems to think before each answer. */
  readonly latencyMs?: number;
}

interface ActiveHold {
  readonly predicate: (call: ClaudeCall) => boolean;
  readonly reach: (call: ClaudeCall) => void;
  readonly released: Promise<void>;
}

type MutableCall = { -readonly [Field in keyof ClaudeCall]: ClaudeCall[Field] };

const requestHeader = "x-aimock-context";
const defaultLatencyMs = 400;

/** Ids follow from the request, so that a repeated call gets the same answer, byte for byte. */
function stableId(prefix: string, body: string, index: number): string {
  return `${prefix}_${createHash("sha256").update(`${index}\n${body}`).digest("base64url").slice(0, 24)}`;
}

/** aimock's one fixture: whatever the script says to the request that the gate has just let through. */
function scriptedFixture(script: ClaudeScript, bodies: ReadonlyMap<string, string>): Fixture {
  return {
    match: { endpoint: "chat" },
    response: ({ _context: context }) => {
      const body = bodies.get(context ?? "");
      if (body === undefined) throw new Error("only the gate talks to the scripted model");
      const { text, calls } = script(readRequest(body).conversation);
      const toolCalls = calls.map(({ name, input }, index) => ({
        id: stableId("toolu", body, index),
        name,
        arguments: JSON.stringify(input),
      }));
      const characters = text.length + toolCalls.reduce((sum, call) => sum + call.arguments.length, 0);
      const common = { id: stableId("msg", body, 0), usage: { output_tokens: tokensOf(characters) + 8 } };
      if (toolCalls.length === 0) return { ...common, content: text };
      return text === "" ? { ...common, toolCalls } : { ...common, content: text, toolCalls };
    },
  };
}

/** aimock knows two token classes; the first event of a stream gets all four. */
function withPromptUsage(chunk: string, usage: PromptUsage): string {
  return chunk.replace(/"input_tokens":0(?=[,}])/u, JSON.stringify(usage).slice(1, -1));
}

class Gate {
  readonly calls: MutableCall[] = [];
  readonly bodies = new Map<string, string>();
  readonly #holds = new Set<ActiveHold>();
  readonly #faults: { readonly predicate: ActiveHold["predicate"]; readonly fault: ClaudeFault }[] = [];
  readonly #latencyMs: number;

  constructor(latencyMs: number) {
    this.#latencyMs = latencyMs;
  }

  hold(predicate: ActiveHold["predicate"]): ClaudeHold {
    const reached = Promise.withResolvers<ClaudeCall>();
    const released = Promise.withResolvers<void>();
    const hold: ActiveHold = { predicate, reach: reached.resolve, released: released.promise };
    this.#holds.add(hold);
    return {
      reached: reached.promise,
      release: () => {
        this.#holds.delete(hold);
        released.resolve();
      },
    };
  }

  fail(predicate: ActiveHold["predicate"], fault: ClaudeFault): void {
    this.#faults.push({ predicate, fault });
  }

  /** The fault that a call is to meet; null when it is to be answered. */
  takeFault(call: ClaudeCall): ClaudeFault | null {
    const index = this.#faults.findIndex(({ predicate }) => predicate(call));
    return index === -1 ? null : (this.#faults.splice(index, 1)[0]?.fault ?? null);
  }

  record(body: string, request: ClaudeRequest): MutableCall {
    const call: MutableCall = {
      number: this.calls.length + 1,
      atMs: Date.now(),
      agent: request.conversation.agent,
      assistantTurns: request.conversation.assistantTurns,
      model: request.model,
      body,
      outcome: "waiting",
    };
    this.calls.push(call);
    this.bodies.set(String(call.number), body);
    return call;
  }

  settle(call: MutableCall, isAnswered: boolean): void {
    if (call.outcome === "waiting") call.outcome = isAnswered ? "answered" : "dropped";
    this.bodies.delete(String(call.number));
  }

  /** Resolves when nothing holds the call any more and the model has thought long enough. */
  async mayAnswer(call: ClaudeCall, gone: AbortSignal): Promise<void> {
    for (const hold of [...this.#holds].filter(({ predicate }) => predicate(call))) {
      hold.reach(call);
      await hold.released;
    }
    if (this.#latencyMs > 0) await wait(this.#latencyMs, undefined, { signal: gone });
  }
}

/** Copies the answer; the first event, which ends with an empty line, is gathered and completed. */
async function passOn(upstream: Response, response: ServerResponse, usage: PromptUsage | null): Promise<void> {
  response.writeHead(upstream.status, { "content-type": upstream.headers.get("content-type") ?? "application/json" });
  const decoder = new TextDecoder();
  let first: string | null = usage === null ? null : "";
  for await (const bytes of upstream.body ?? []) {
    const chunk = decoder.decode(bytes, { stream: true });
    if (first === null || usage === null) {
      response.write(chunk);
      continue;
    }
    first += chunk;
    if (!first.includes("\n\n")) continue;
    response.write(withPromptUsage(first, usage));
    first = null;
  }
  response.end(first ?? "");
}

async function answer(gate: Gate, mockUrl: string, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const body = await readText(incoming);
  const url = mockUrl + (incoming.url ?? "/");
  if (incoming.method !== "POST") {
    await passOn(await fetch(url, { method: incoming.method ?? "GET", signal: gone.signal }), response, null);
    return;
  }
  const request = readRequest(body);
  const call = gate.record(body, request);
  response.on("close", () => gate.settle(call, response.writableFinished));
  await gate.mayAnswer(call, gone.signal);
  const headers = { "content-type": "application/json", [requestHeader]: String(call.number) };
  const ask = (): Promise<Response> => fetch(url, { method: "POST", headers, body, signal: gone.signal });
  const fault = gate.takeFault(call);
  if (fault !== null) {
    call.outcome = "failed";
    await answerFault(response, fault, async () => (await ask()).text());
    return;
  }
  const upstream = await ask();
  await passOn(upstream, response, promptUsage(request));
}

/** Starts the stand-in on a port of this machine. */
export async function startClaude({
  port,
  script = demoScript,
  latencyMs = defaultLatencyMs,
}: ClaudeOptions): Promise<ClaudeStandIn> {
  const gate = new Gate(latencyMs);
  const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
  mock.addFixture(scriptedFixture(script, gate.bodies));
  const mockUrl = await mock.start();
  const server = createServer((incoming, response) => {
    answer(gate, mockUrl, incoming, response).catch((error: unknown) => {
      if (response.destroyed) return;
      if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ type: "error", error: { type: "api_error", message: String(error) } }));
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stand-in listens on a TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests: () => gate.calls,
    holdBefore: (predicate) => gate.hold(predicate),
    failOnce: (predicate, fault) => gate.fail(predicate, fault),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await mock.stop();
    },
  };
}
