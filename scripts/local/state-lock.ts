/** One stack per state directory: a lock file that names the process which holds it. */
import { readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { z } from "zod";
import { StackError, systemErrorCode } from "./stack-error.ts";

const holderSchema = z.object({ processId: z.int().min(1), startedAt: z.string() });
type Holder = z.infer<typeof holderSchema>;

export interface StateLock {
  release(): Promise<void>;
}

/** Takes the lock of a state directory. Throws `StackError` while a living process holds it. */
export async function lockState(directory: string): Promise<StateLock> {
  const file = path.join(directory, "lock.json");
  const holder: Holder = { processId: process.pid, startedAt: processStart(process.pid) };
  if (!(await tryWrite(file, holder))) {
    const other = await readHolder(file);
    if (other !== null && isAlive(other)) {
      throw new StackError(
        `the local stack already runs on ${directory} (process ${other.processId}): stop it first, or choose another place with --state-dir`,
      );
    }
    await rm(file, { force: true });
    if (!(await tryWrite(file, holder)))
      throw new StackError(`another start took ${file} at the same moment: try again`);
  }
  return { release: () => rm(file, { force: true }) };
}

async function tryWrite(file: string, holder: Holder): Promise<boolean> {
  try {
    const handle = await open(file, "wx", 0o600);
    await handle.writeFile(JSON.stringify(holder));
    await handle.close();
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Null when the file is half written or already gone: nobody lives who finished taking it. */
async function readHolder(file: string): Promise<Holder | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.processId, 0);
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
  return processStart(holder.processId) === holder.startedAt;
}

/** When a process began, in the kernel's ticks: tells it from a later one of the same number. Empty where /proc is absent. */
function processStart(processId: number): string {
  try {
    const fields = readFileSync(`/proc/${processId}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return fields[19] ?? "";
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
}
