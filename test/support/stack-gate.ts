/** A gate before a service: notes what passes, holds chosen requests until they are let go, or shuts everybody out. */
import { once } from "node:events";
import http from "node:http";
import { pipeline } from "node:stream/promises";

export interface GatedRequest {
  readonly method: string;
  readonly path: string;
}

export interface Hold {
  /** Resolves when a request waits at the gate. */
  readonly reached: Promise<GatedRequest>;
  release(): void;
}

export interface Gate {
  readonly url: string;
  /** Every request that came to the gate, in order. */
  readonly requests: readonly GatedRequest[];
  /** Holds the first request that matches, and every one after it, until released. */
  holdBefore(matches: (request: GatedRequest) => boolean): Hold;
  /** Ends every connection at once, as a service that is gone does, until opened again. */
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

interface HoldState extends Hold {
  readonly matches: (request: GatedRequest) => boolean;
  readonly reach: (request: GatedRequest) => void;
  readonly released: Promise<void>;
}

/** Starts a gate before the service at `target`. */
export async function openGate(target: string): Promise<Gate> {
  const requests: GatedRequest[] = [];
  const holds = new Set<HoldState>();
  let isShut = false;

  const pass = async (
    released: Promise<void> | undefined,
    incoming: http.IncomingMessage,
    outgoing: http.ServerResponse,
  ): Promise<void> => {
    await released;
    if (isShut || incoming.destroyed) incoming.destroy();
    else await forward(target, incoming, outgoing);
  };
  const server = http.createServer((incoming, outgoing) => {
    const request = { method: incoming.method ?? "GET", path: incoming.url ?? "/" };
    requests.push(request);
    const hold = [...holds].find((candidate) => candidate.matches(request));
    hold?.reach(request);
    void pass(hold?.released, incoming, outgoing);
  });
  server.on("connection", (socket) => {
    if (isShut) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gate does not listen on a port");

  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    holdBefore: (matches) => {
      const arrival = Promise.withResolvers<GatedRequest>();
      const departure = Promise.withResolvers<void>();
      const hold: HoldState = {
        matches,
        reach: arrival.resolve,
        reached: arrival.promise,
        released: departure.promise,
        release: () => {
          holds.delete(hold);
          departure.resolve();
        },
      };
      holds.add(hold);
      return hold;
    },
    shut: () => {
      isShut = true;
      server.closeAllConnections();
    },
    open: () => {
      isShut = false;
    },
    close: async () => {
      for (const hold of holds) hold.release();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Either side may break off: that ends both, and the caller sees a broken connection. */
async function forward(target: string, incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> {
  const upstream = http.request(new URL(incoming.url ?? "/", target), {
    method: incoming.method,
    headers: { ...incoming.headers, host: new URL(target).host },
  });
  const answered = Promise.withResolvers<http.IncomingMessage>();
  upstream.once("response", answered.resolve);
  upstream.once("error", answered.reject);
  try {
    const [response] = await Promise.all([answered.promise, pipeline(incoming, upstream)]);
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    await pipeline(response, outgoing);
  } catch {
    // A broken side is what the tests make on purpose; the caller notices by its own broken connection.
    upstream.destroy();
    outgoing.destroy();
  }
}
