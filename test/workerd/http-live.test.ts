/** The upgrade as the Worker's runtime really does it: through the edge into the organization's object. */
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createObjectClients, forwardLiveUpgrade } from "../../src/durable-objects/clients.ts";
import { bearer, EdgeFixture, jsonRequest, validSubmission } from "../node/http-fixture.ts";

const handshake = { upgrade: "websocket" };

/** The edge over the real objects; only Supabase and Postgres are stood in for. */
function realEdge() {
  const fixture = new EdgeFixture();
  fixture.nowMs = Date.now();
  const app = fixture.app({
    objects: createObjectClients(env),
    openLiveSocket: (upgrade, viewer) => forwardLiveUpgrade(env, upgrade, viewer),
  });
  return { fixture, app };
}

function collect(socket: WebSocket): unknown[] {
  const frames: unknown[] = [];
  socket.addEventListener("message", ({ data }) => {
    const frame: unknown = JSON.parse(String(data));
    frames.push(frame);
  });
  socket.accept();
  return frames;
}

function socketOf(response: Response): WebSocket {
  if (response.webSocket === null) throw new Error(`no socket came with status ${response.status}`);
  return response.webSocket;
}

describe("GET /api/agents/live", () => {
  it("opens the organization's stream, and the answer carries the request id", async () => {
    const { fixture, app } = realEdge();
    const token = fixture.user("STAFF");
    const response = await app.request("https://edge/api/agents/live?after=0", { headers: bearer(token, handshake) });
    expect(response.status).toBe(101);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/u);
    const socket = socketOf(response);
    const frames = collect(socket);
    const submission = await app.request("https://edge/api/agents", jsonRequest(token, validSubmission));
    expect(submission.status).toBe(202);
    await vi.waitUntil(() => frames.length >= 2);
    expect(frames[0]).toMatchObject({ kind: "hello" });
    const submitted: unknown = expect.objectContaining({ seq: 1, type: "issue.submitted" });
    const events: unknown = expect.arrayContaining([submitted]);
    expect(frames[1]).toMatchObject({ kind: "events", prevSeq: 0, events });
    socket.close();
  });

  it("shows one organization nothing of another", async () => {
    const { fixture, app } = realEdge();
    const stranger = realEdge();
    await app.request("https://edge/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    const headers = bearer(stranger.fixture.user("ADMIN"), handshake);
    const response = await stranger.app.request("https://edge/api/agents/live?after=0", { headers });
    const socket = socketOf(response);
    const frames = collect(socket);
    await vi.waitUntil(() => frames.length > 0);
    expect(frames).toMatchObject([{ kind: "hello", lastSeq: 0 }]);
    socket.close();
  });
});
