/** A job's files: copy-on-write over the repository's snapshot. Nothing here leaves the job. */
import { maxReadableFileBytes, type FileContent, type FileMatch } from "../contracts/repository-rpc.ts";
import type { SavedFile, WorkspaceChange } from "../contracts/records.ts";
import { globMatcher } from "../core/glob.ts";
import { searchLines } from "../core/line-search.ts";
import { diffFile, differenceOf, secretTouched, type FileDiff } from "./file-diff.ts";
import { foldersOf, requireChangeablePath } from "./path-policy.ts";
import type { RepositorySnapshot } from "./repository-snapshot.ts";
import { refuseSecret } from "./secret-policy.ts";
import { ToolError } from "./tool-error.ts";

/** A change stays small enough to be reviewed by a person, and to be stored as one. */
export const maxChangedFiles = 100;
export const maxChangedBytes = 750_000;

export interface CodeSearch {
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly glob: string | null;
  readonly limit: number;
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

const byPathAndLine = (left: FileMatch, right: FileMatch): number =>
  left.path < right.path ? -1 : left.path > right.path ? 1 : left.line - right.line;

function unreadableReason(file: Exclude<FileContent, { kind: "text" }>): string {
  if (file.kind === "binary") return "it is not a text file";
  if (file.kind === "link") return "it is a symbolic link; open the file that it points to";
  return `it has ${file.sizeBytes} bytes, and files over ${maxReadableFileBytes} are not kept`;
}

export class Workspace {
  readonly snapshot: RepositorySnapshot;
  /** Every path that differs from the snapshot, or once did; null stands for a deleted file. */
  readonly #overlay: Map<string, string | null>;
  readonly #unsaved = new Map<string, string | null>();

  /** `saved` is what earlier turns, slices and jobs changed. */
  constructor(snapshot: RepositorySnapshot, saved: readonly WorkspaceChange[] = []) {
    this.snapshot = snapshot;
    this.#overlay = new Map(saved.map(({ path, content }) => [path, content]));
  }

  /** The file's text now. Throws `ToolError` when there is none, or none that is text. */
  async readFile(path: string): Promise<string> {
    const changed = this.#overlay.get(path);
    const text = changed === undefined ? await this.#baseText(path) : changed;
    if (text === null) throw new ToolError(`There is no file ${path}. Use list_files or search_files to find it.`);
    return text;
  }

  /**
   * Replaces or creates a file; null deletes it. Tells which it was. Throws `ToolError` for a refused path, a folder, a
   * file that is not text, nothing to delete, a change that grows too large, and one that touches a secret.
   */
  async writeFile(path: string, content: string | null): Promise<{ change: "created" | "replaced" | "deleted" }> {
    requireChangeablePath(path);
    if (content?.includes("\0") === true) throw new ToolError("Only text files can be written.");
    const changed = this.#overlay.get(path);
    const before = changed === undefined ? await this.#baseText(path) : changed;
    if (before === null && content === null) throw new ToolError(`There is no file ${path} to delete.`);
    if (before === null) await this.#requireRoomFor(path);
    this.#requireWithinLimits(path, content);
    refuseSecret(path, secretTouched(before, content));
    this.#overlay.set(path, content);
    this.#unsaved.set(path, content);
    if (content === null) return { change: "deleted" };
    return { change: before === null ? "created" : "replaced" };
  }

  /** What changed since the last call, and how it differs from the snapshot, to be saved with the next checkpoint. */
  async takeChanges(): Promise<SavedFile[]> {
    const changes: SavedFile[] = [];
    for (const [path, content] of this.#unsaved) {
      changes.push({ path, content, difference: differenceOf(diffFile(path, await this.#baseText(path), content)) });
    }
    this.#unsaved.clear();
    return changes;
  }

  /** Paths in code unit order, and how many there are in all. Throws `GlobError`. */
  async listFiles(glob: string | null, limit: number): Promise<{ paths: string[]; total: number }> {
    const matches = glob === null ? () => true : globMatcher(glob);
    const deleted = new Set<string>();
    const created: string[] = [];
    for (const [path, content] of this.#overlay) {
      if (!matches(path)) continue;
      const isInBase = (await this.snapshot.readFile(path)) !== null;
      if (content === null && isInBase) deleted.add(path);
      if (content !== null && !isInBase) created.push(path);
    }
    const base = await this.snapshot.listFiles(glob, limit + deleted.size);
    const paths = [...base.paths.filter((path) => !deleted.has(path)), ...created].sort().slice(0, limit);
    return { paths, total: base.total - deleted.size + created.length };
  }

  /** Lines that hold the text, by path and line. Throws `GlobError`. */
  async searchCode(search: CodeSearch): Promise<{ matches: FileMatch[]; truncated: boolean }> {
    const isWanted = search.glob === null ? () => true : globMatcher(search.glob);
    const base = await this.snapshot.searchCode({ ...search, excludePaths: [...this.#overlay.keys()] });
    const changed: FileMatch[] = [];
    for (const [path, content] of this.#overlay) {
      if (content === null || !isWanted(path)) continue;
      for (const { line, text } of searchLines(content, search.text, search.ignoreCase, search.limit + 1)) {
        changed.push({ path, line, text });
      }
    }
    const matches = [...base.matches, ...changed].sort(byPathAndLine);
    return { matches: matches.slice(0, search.limit), truncated: base.truncated || matches.length > search.limit };
  }

  /** Files that differ from the base commit, by path, with their new content. */
  async diff(): Promise<{ diffs: FileDiff[]; files: WorkspaceChange[] }> {
    const diffs: FileDiff[] = [];
    const files: WorkspaceChange[] = [];
    for (const path of [...this.#overlay.keys()].sort()) {
      const content = this.#overlay.get(path) ?? null;
      const diff = diffFile(path, await this.#baseText(path), content);
      if (diff === null) continue;
      diffs.push(diff);
      files.push({ path, content });
    }
    return { diffs, files };
  }

  async #baseText(path: string): Promise<string | null> {
    const file = await this.snapshot.readFile(path);
    if (file === null) return null;
    if (file.kind === "text") return file.text;
    throw new ToolError(`${path} cannot be opened: ${unreadableReason(file)}.`);
  }

  /** A new file must not take a folder's name, nor sit below a file. */
  async #requireRoomFor(path: string): Promise<void> {
    const isFile = async (name: string): Promise<boolean> => {
      const changed = this.#overlay.get(name);
      return changed === undefined ? (await this.snapshot.readFile(name)) !== null : changed !== null;
    };
    for (const folder of foldersOf(path)) {
      if (await isFile(folder)) throw new ToolError(`${folder} is a file, so there can be no ${path}.`);
    }
    const inside = [...this.#overlay].some(([other, content]) => content !== null && other.startsWith(`${path}/`));
    if (inside || (await this.snapshot.hasFolder(path))) throw new ToolError(`${path} is a folder.`);
  }

  #requireWithinLimits(path: string, content: string | null): void {
    const others = [...this.#overlay].filter(([other]) => other !== path);
    if (others.length >= maxChangedFiles) throw new ToolError(`A change may touch at most ${maxChangedFiles} files.`);
    const sizeBytes = others.reduce((sum, [, text]) => sum + byteLength(text ?? ""), byteLength(content ?? ""));
    if (sizeBytes > maxChangedBytes) {
      throw new ToolError(`A change may hold at most ${maxChangedBytes} bytes; this one would have ${sizeBytes}.`);
    }
  }
}
