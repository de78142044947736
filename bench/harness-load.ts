/** Sends a fixed number of HTTP requests over a fixed number of kept connections. */
import { Agent, request } from "node:http";

export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Load {
  /** Origin of the server. */
  readonly url: string;
  readonly connections: number;
  readonly requests: number;
  readonly expectedStatus: number;
  /** The request with this number, counting from 0. */
  readonly requestAt: (index: number) => LoadRequest;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Runs the load and measures it as a whole. Throws at the first answer of another status. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const durationsMs: number[] = [];
  let next = 0;
  const sendInTurn = async (): Promise<void> => {
    while (next < load.requests) {
      const index = next;
      next += 1;
      const sentAtMs = performance.now();
      await sendOne(agent, load, index);
      durationsMs.push(performance.now() - sentAtMs);
    }
  };
  try {
    const startedAtMs = performance.now();
    await Promise.all(Array.from({ length: load.connections }, sendInTurn));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    durationsMs.sort((left, right) => left - right);
    const quantile = (share: number): number => durationsMs[Math.floor(durationsMs.length * share)] ?? 0;
    return { requestsPerSecond: load.requests / seconds, medianMs: quantile(0.5), p99Ms: quantile(0.99) };
  } finally {
    agent.destroy();
  }
}

async function sendOne(agent: Agent, load: Load, index: number): Promise<void> {
  const { method, path, headers, body } = load.requestAt(index);
  await new Promise<void>((resolve, reject) => {
    const sent = request(`${load.url}${path}`, { agent, method, headers }, (response) => {
      if (response.statusCode === load.expectedStatus) {
        response.resume();
        response.once("end", resolve);
        return;
      }
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => {
        reject(new Error(`${method} ${path}: ${response.statusCode} ${Buffer.concat(chunks).toString()}`));
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
