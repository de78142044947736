/** GitHub's REST API, one call at a time: bounded in time, never retried here, its answers parsed. */
import { Octokit, RequestError } from "octokit";
import type { z } from "zod";
import { GitHubError } from "../../contracts/ports.ts";
import type { Repository } from "../../contracts/terms.ts";
import type { Clock } from "../../core/clock.ts";
import { classifyAnswer } from "./github-failure.ts";

export interface GitHubApiOptions {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** A call that takes longer is given up; whether it happened is then unknown. */
  readonly callTimeoutMs: number;
}

/** A route below one repository, such as `POST /git/refs`; octokit fills in its `{parameters}`. */
type Route = `${"GET" | "POST"} /${string}` | "GET";

const maxMessageCharacters = 300;

function toGitHubError(error: unknown, route: Route, nowMs: number): unknown {
  if (!(error instanceof RequestError)) return error;
  const { response } = error;
  if (response === undefined) {
    const timedOut = error.cause instanceof Error && error.cause.name === "TimeoutError";
    const reason = timedOut ? "timeout" : "network";
    return new GitHubError({ transient: true, reason, message: `GitHub gave no answer to ${route}` }, { cause: error });
  }
  const { status } = error;
  const failure = classifyAnswer({ status, headers: response.headers, message: error.message }, nowMs);
  const detail = error.message.slice(0, maxMessageCharacters);
  return new GitHubError({ ...failure, message: `GitHub answered ${status} to ${route}: ${detail}` }, { cause: error });
}

/** The calls of one repository. */
export class GitHubApi {
  readonly #octokit: Octokit;
  readonly #clock: Clock;

  constructor(options: GitHubApiOptions) {
    this.#clock = options.clock;
    this.#octokit = new Octokit({
      auth: options.token,
      baseUrl: options.baseUrl.replace(/\/+$/u, ""),
      userAgent: "spokestack-agents",
      retry: { enabled: false },
      throttle: { enabled: false },
      request: {
        fetch: (url: string, init: RequestInit) =>
          options.fetch(url, { ...init, signal: AbortSignal.timeout(options.callTimeoutMs) }),
      },
    });
  }

  /** Sends one request. Throws `GitHubError`, also for an answer that is not what GitHub documents. */
  async call<Schema extends z.ZodType>(
    schema: Schema,
    repository: Repository,
    route: Route,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<z.output<Schema>> {
    const [method, path = ""] = route.split(" ");
    const { owner, name } = repository;
    let answer: { readonly data: unknown };
    try {
      const url = `${method} /repos/{owner}/{repo}${path}`;
      answer = await this.#octokit.request(url, { ...parameters, owner, repo: name });
    } catch (error) {
      throw toGitHubError(error, route, this.#clock.nowMs());
    }
    const parsed = schema.safeParse(answer.data);
    if (parsed.success) return parsed.data;
    // An answer that was cut off reads as an empty text; whether the request took effect is unknown.
    const message = `GitHub's answer to ${route} was cut off or malformed`;
    throw new GitHubError({ transient: true, reason: "bad_answer", message }, { cause: parsed.error });
  }
}

/** What `work` resolves to; null when GitHub knows no such thing. */
export async function nullIfNotFound<Value>(work: Promise<Value>): Promise<Value | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof GitHubError && error.reason === "not_found") return null;
    throw error;
  }
}
