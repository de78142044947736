/** Carries the Neon driver's WebSocket connections to a plain PostgreSQL. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { pipeline } from "node:stream/promises";
import { WebSocketServer, createWebSocketStream, type WebSocket } from "ws";

export interface RelayOptions {
  /** `host:port` of the only server that it connects to. */
  readonly target: string;
  /** A free port when absent. */
  readonly port?: number;
}

export interface Relay {
  /** `host:port`, as the setting `DATABASE_RELAY` wants it. */
  readonly address: string;
  /** Ends every connection; resolves when the port is free again. */
  close(): Promise<void>;
}

const host = "127.0.0.1";

/** Starts the relay on this machine alone. Throws an `Error` of one line when its port is taken. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const [targetHost = "", targetPort = ""] = options.target.split(":");
  const server = new WebSocketServer({
    host,
    port: options.port ?? 0,
    verifyClient: ({ req }: { readonly req: IncomingMessage }) =>
      new URL(req.url ?? "/", "ws://relay").searchParams.get("address") === options.target,
  });
  server.on("connection", (socket) => {
    void carry(socket, net.connect({ host: targetHost, port: Number(targetPort), noDelay: true }));
  });
  try {
    await once(server, "listening");
  } catch (error) {
    throw new Error(`the database relay's port ${options.port ?? 0} cannot be used`, { cause: error });
  }
  return {
    address: `${host}:${listeningPort(server)}`,
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** Either end may leave at any time, PostgreSQL by stopping: that ends this connection and nothing else. */
async function carry(socket: WebSocket, connection: net.Socket): Promise<void> {
  const stream = createWebSocketStream(socket);
  await Promise.allSettled([pipeline(stream, connection), pipeline(connection, stream)]);
  socket.terminate();
  connection.destroy();
}

function listeningPort(server: WebSocketServer): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay does not listen on a port");
  return address.port;
}
