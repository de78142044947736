/** Floor of the live stream: a loop that sends a text to every socket. */
import { DurableObject } from "cloudflare:workers";

export class BroadcastFloor extends DurableObject {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  broadcast(text: string, times: number): void {
    for (let time = 0; time < times; time += 1) {
      for (const socket of this.ctx.getWebSockets()) socket.send(text);
    }
  }
}
