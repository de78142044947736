/** Stand-in of GitHub: a stateful REST API that holds the demo repository, and its changes from one start to the next. */
import { readFile, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { createEmulator, defineEmulator, filePersistence } from "emulate";
import getPort from "get-port";
import { z } from "zod";
import { StackError } from "./stack-error.ts";

export interface GitHubStandIn {
  /** Base URL of the REST API. */
  readonly url: string;
  readonly token: string;
  readonly owner: string;
  readonly name: string;
  close(): Promise<void>;
}

export interface GitHubOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly owner?: string;
  readonly name?: string;
  readonly token?: string;
  /** Keeps the stand-in's state between starts; without it every start begins with the demo repository alone. */
  readonly stateFile?: string;
}

/** A request that changed something. The stand-in cannot save itself, so these are kept and played back at its start. */
interface KeptRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const demoFolder = join(import.meta.dirname, "../../demo/repository");
const author = { name: "SpokeStack ERP", email: "erp@spokestack.invalid", date: "2026-03-02T08:00:00Z" };

async function demoFiles(): Promise<{ path: string; content: string }[]> {
  const entries = await readdir(demoFolder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => ({
      path: relative(demoFolder, file).split(sep).join("/"),
      content: await readFile(file, "utf8"),
    })),
  );
}

/** What a write of the Git data API answers; a reference has no id of its own. */
const objectIdSchema = z.object({ sha: z.string().optional() }).transform(({ sha }) => sha ?? "");

/** Sends a request to the stand-in as its own user. */
async function send(baseUrl: string, token: string, { method, path, body }: KeptRequest): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(baseUrl + path, { method, headers, body });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw new StackError(`the GitHub stand-in answered ${answer.status} to ${method} ${path}`);
}

/** The first commit of the demo repository; its id depends on the files alone. */
async function seed(repositoryUrl: string, token: string): Promise<void> {
  const post = async (path: string, body: object): Promise<string> =>
    objectIdSchema.parse(await send(repositoryUrl, token, { method: "POST", path, body: JSON.stringify(body) }));
  const files = await demoFiles();
  const tree = await post("/git/trees", {
    tree: files.map(({ path, content }) => ({ path, content, mode: "100644", type: "blob" })),
  });
  const commit = await post("/git/commits", { message: "Import the ERP", tree, parents: [], author });
  await post("/git/refs", { ref: "refs/heads/main", sha: commit });
}

/** Takes every request, passes it on, and keeps those that changed something. */
function keepingProxy(upstreamUrl: string) {
  return defineEmulator({
    name: "github",
    stateVersion: 1,
    state: (): { requests: KeptRequest[] } => ({ requests: [] }),
    setup: ({ app, state }) => {
      app.use(async ({ req }) => {
        const { pathname, search } = new URL(req.url);
        const path = pathname + search;
        const body = req.method === "GET" || req.method === "HEAD" ? null : await req.text();
        const init = { method: req.method, headers: req.raw.headers, body, redirect: "manual" } as const;
        const answer = await fetch(upstreamUrl + path, init);
        if (body !== null && answer.ok) state.requests.push({ method: req.method, path, body });
        return answer.status === 204 ? new Response(null, answer) : new Response(await answer.arrayBuffer(), answer);
      });
    },
  });
}

/**
 * Starts the stand-in and resolves when it answers. Commits, branches and pull requests survive a restart when a
 * `stateFile` is given; times that GitHub sets by itself are then those of the restart. Throws `StackError`.
 */
export async function startGitHub(options: GitHubOptions): Promise<GitHubStandIn> {
  const { owner = "spokestack-demo", name = "erp", token = "local-github-token", stateFile } = options;
  const port = options.port === 0 ? await getPort() : options.port;
  const url = `http://127.0.0.1:${port}`;
  const upstreamPort = await getPort({ exclude: [port] });
  const upstreamUrl = `http://127.0.0.1:${upstreamPort}`;
  const upstream = await createEmulator({
    service: "github",
    port: upstreamPort,
    baseUrl: url,
    seed: {
      tokens: { [token]: { login: owner, scopes: ["repo"] } },
      github: { users: [{ login: owner }], repos: [{ owner, name, auto_init: false }] },
    },
  });
  const running: { close(): Promise<void> }[] = [upstream];
  const close = async (): Promise<void> => {
    for (const part of running.toReversed()) await part.close();
  };
  try {
    const front = await createEmulator({
      service: keepingProxy(upstreamUrl),
      port,
      baseUrl: url,
      ...(stateFile !== undefined && { persistence: filePersistence(stateFile) }),
    });
    running.push(front);
    const { requests } = front.snapshot().state;
    for (const request of requests) await send(upstreamUrl, token, request);
    if (requests.length === 0) await seed(`${url}/repos/${owner}/${name}`, token);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, token, owner, name, close };
}
