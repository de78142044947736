import { AgentError } from "../../core/errors.ts";

const handshakeHeader = /^(?:upgrade|connection|sec-websocket-[a-z-]+)$/u;

/**
 * The request that an object sees: the handshake's own headers and nothing else that the client sent, so that neither a
 * credential nor a forged internal header goes along. Throws `upgrade_required` when it is no handshake.
 */
export function handshakeOf(request: Request): Request {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new AgentError({ code: "upgrade_required", detail: "Open this address as a WebSocket." });
  }
  const headers = [...request.headers].filter(([name]) => handshakeHeader.test(name));
  return new Request(request.url, { headers });
}

/** An object's answer to an upgrade is immutable; the copy, which keeps the socket, takes the edge's headers. */
export function upgradeAnswer(answer: Response): Response {
  return new Response(answer.body, answer);
}
