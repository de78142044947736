/** The GitHub port on GitHub's REST API. */
import type { GitHubPort } from "../../contracts/ports.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { blobSchema, readTree, referenceSchema, repositorySchema } from "./git-data.ts";
import { GitHubApi } from "./github-api.ts";
import { openPullRequest } from "./pull-request.ts";

export interface GitHubPortSettings {
  readonly token: string;
  readonly baseUrl: string;
  readonly callTimeoutMs?: number;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
}

const defaultCallTimeoutMs = 20_000;

/** A GitHub port that acts with one token. Every method throws `GitHubError`; none retries. */
export function createGitHubPort(settings: GitHubPortSettings): GitHubPort {
  const api = new GitHubApi({
    token: settings.token,
    baseUrl: settings.baseUrl,
    callTimeoutMs: settings.callTimeoutMs ?? defaultCallTimeoutMs,
    fetch: settings.fetch ?? ((input, init) => fetch(input, init)),
    clock: settings.clock ?? systemClock,
  });
  return {
    defaultBranchHead: async (repository) => {
      const { default_branch: branch } = await api.call(repositorySchema, repository, "GET");
      const head = await api.call(referenceSchema, repository, "GET /git/ref/{ref}", { ref: `heads/${branch}` });
      return { branch, commit: head.object.sha };
    },
    tree: async (repository, commit) => {
      const items = await readTree(api, repository, commit);
      return items
        .filter(({ type }) => type === "blob")
        .map(({ path, sha, size, mode }) => ({ path, blobId: sha, sizeBytes: size ?? 0, mode }));
    },
    blob: async (repository, blobId) => {
      const { content } = await api.call(blobSchema, repository, "GET /git/blobs/{blobId}", { blobId });
      return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    },
    openPullRequest: (plan) => openPullRequest(api, plan),
  };
}
