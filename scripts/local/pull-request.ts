/** Reads a pull request back from GitHub, as a person would look at it. */
import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import { z } from "zod";

export interface RepositoryAccess {
  /** Base URL of the REST API. */
  readonly url: string;
  readonly token: string;
  readonly owner: string;
  readonly name: string;
}

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly isDraft: boolean;
  readonly branch: string;
  readonly baseBranch: string;
  readonly url: string;
}

export interface ChangedFile {
  readonly path: string;
  /** Null when the file is new. */
  readonly before: string | null;
  /** Null when the file was deleted. */
  readonly after: string | null;
}

const pullRequestSchema = z
  .object({
    number: z.int(),
    title: z.string(),
    draft: z.boolean(),
    html_url: z.url(),
    head: z.object({ ref: z.string() }),
    base: z.object({ ref: z.string() }),
  })
  .transform(({ number, title, draft, html_url: url, head, base }): PullRequest => ({
    number,
    title,
    isDraft: draft,
    branch: head.ref,
    baseBranch: base.ref,
    url,
  }));

const comparisonSchema = z.object({ files: z.array(z.object({ filename: z.string(), status: z.string() })) });
const contentSchema = z.object({ encoding: z.literal("base64"), content: z.string() });
const branchesSchema = z.array(z.object({ name: z.string() }));

/** Every pull request of the repository, open or closed. */
export async function listPullRequests(access: RepositoryAccess): Promise<readonly PullRequest[]> {
  return read(access, z.array(pullRequestSchema), "/pulls?state=all&per_page=100");
}

export async function readPullRequest(access: RepositoryAccess, number: number): Promise<PullRequest> {
  return read(access, pullRequestSchema, `/pulls/${number}`);
}

/** Names of all branches. */
export async function listBranches(access: RepositoryAccess): Promise<readonly string[]> {
  return (await read(access, branchesSchema, "/branches?per_page=100")).map((branch) => branch.name);
}

/** The files that a pull request changes, with their text on both sides. */
export async function readChangedFiles(access: RepositoryAccess, pull: PullRequest): Promise<readonly ChangedFile[]> {
  const range = `${pull.baseBranch}...${pull.branch}`;
  const { files } = await read(access, comparisonSchema, `/compare/${range}`);
  return Promise.all(
    files.map(async ({ filename, status }) => ({
      path: filename,
      before: status === "added" ? null : await readText(access, filename, pull.baseBranch),
      after: status === "removed" ? null : await readText(access, filename, pull.branch),
    })),
  );
}

/** A unified diff of one file. */
export function fileDiff(file: ChangedFile): string {
  const before = file.before === null ? "/dev/null" : `a/${file.path}`;
  const after = file.after === null ? "/dev/null" : `b/${file.path}`;
  const patch = structuredPatch(before, after, file.before ?? "", file.after ?? "", undefined, undefined, {
    context: 3,
  });
  return formatPatch(patch, FILE_HEADERS_ONLY);
}

async function readText(access: RepositoryAccess, path: string, ref: string): Promise<string> {
  const escaped = path.split("/").map(encodeURIComponent).join("/");
  const { content, encoding } = await read(
    access,
    contentSchema,
    `/contents/${escaped}?ref=${encodeURIComponent(ref)}`,
  );
  return Buffer.from(content, encoding).toString("utf8");
}

async function read<Schema extends z.ZodType>(
  access: RepositoryAccess,
  schema: Schema,
  path: string,
): Promise<z.infer<Schema>> {
  const { url, token, owner, name } = access;
  const response = await fetch(`${url}/repos/${owner}/${name}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`GitHub answered ${response.status} to GET ${path}`);
  return schema.parse(await response.json());
}
