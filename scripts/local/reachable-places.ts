/**
 * Places for PostgreSQL where root runs it as `nobody`: a clone below `/root`, say, is closed to everybody else. What
 * cannot be reached there is kept below `/var/tmp`, which survives a restart of the machine.
 */
import { existsSync, lstatSync } from "node:fs";
import { chmod, chown, cp, lstat, mkdtemp, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import path from "node:path";

const openPlace = "/var/tmp";
const othersMayTraverse = 0o001;
const othersMayWrite = 0o022;

/** Whether every folder down to this one lets other users through. */
async function isReachable(directory: string): Promise<boolean> {
  for (let current = path.resolve(directory); current !== path.dirname(current); current = path.dirname(current)) {
    if (existsSync(current) && ((await stat(current)).mode & othersMayTraverse) === 0) return false;
  }
  return true;
}

/**
 * The folder itself, or a copy of it that others can reach; one copy serves every later start. Throws for a copy that is
 * not root's own.
 */
export async function reachableCopy(directory: string, name: string): Promise<string> {
  if (await isReachable(directory)) return directory;
  const copy = path.join(openPlace, name);
  if (!existsSync(copy)) {
    const unfinished = await mkdtemp(`${copy}-`);
    await cp(directory, unfinished, { recursive: true, verbatimSymlinks: true });
    await chmod(unfinished, 0o755);
    await rename(unfinished, copy);
  }
  const { uid, mode } = await lstat(copy);
  if (uid !== 0 || (mode & othersMayWrite) !== 0) throw new Error(`${copy} is not root's own: remove it and try again`);
  return copy;
}

/** The data directory itself, or, where others cannot reach it, the folder that a link in its place leads to. */
export async function reachableDataDirectory(
  dataDirectory: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<string> {
  const linked = await linkTarget(dataDirectory);
  if (linked !== null) return linked;
  if (existsSync(dataDirectory) || (await isReachable(path.dirname(dataDirectory)))) return dataDirectory;
  const target = await mkdtemp(path.join(openPlace, "spokestack-postgres-data-"));
  await chown(target, owner.uid, owner.gid);
  await symlink(target, dataDirectory);
  return target;
}

/** Deletes a data directory, wherever it is kept. */
export async function removeDataDirectory(dataDirectory: string): Promise<void> {
  const linked = await linkTarget(dataDirectory);
  if (linked !== null) await rm(linked, { recursive: true, force: true });
  await rm(dataDirectory, { recursive: true, force: true });
}

async function linkTarget(file: string): Promise<string | null> {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlink(file) : null;
}
