import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  loadKeptState,
  loadRunningStack,
  prepareStateDirectory,
  resetStateDirectory,
  saveKeptState,
} from "../../scripts/local/state-directory.ts";
import { lockState } from "../../scripts/local/state-lock.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "spokestack-state-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe("lockState", () => {
  it("refuses a second holder while the first lives, and takes the place of one that released it", async () => {
    const lock = await lockState(directory);
    await expect(lockState(directory)).rejects.toThrow(`the local stack already runs on ${directory}`);

    await lock.release();
    const next = await lockState(directory);
    await next.release();
  });

  it.each([
    ["a process that is gone", JSON.stringify({ processId: 2 ** 22 + 1, startedAt: "1" })],
    ["another process of the same number", JSON.stringify({ processId: process.pid, startedAt: "another time" })],
    ["a start that was cut off", '{"proce'],
  ])("takes the place of %s", async (_case, content) => {
    await writeFile(path.join(directory, "lock.json"), content);

    const lock = await lockState(directory);

    expect(JSON.parse(await readFile(path.join(directory, "lock.json"), "utf8"))).toMatchObject({
      processId: process.pid,
    });
    await expect(lockState(directory)).rejects.toThrow("already runs");
    await lock.release();
  });
});

describe("state directory", () => {
  it("keeps secrets between runs until it is reset, readable by their owner only", async () => {
    await prepareStateDirectory(directory);
    const state = await loadKeptState(directory);
    await saveKeptState(directory, { ...state, ports: { worker: 8787 } });

    expect(await loadKeptState(directory)).toEqual({ ...state, ports: { worker: 8787 } });
    expect((await stat(path.join(directory, "state.json"))).mode & 0o077).toBe(0);

    await writeFile(path.join(directory, "notes.txt"), "not ours");
    await resetStateDirectory(directory);
    expect((await loadKeptState(directory)).adminToken).not.toBe(state.adminToken);
    await expect(stat(path.join(directory, "notes.txt"))).resolves.toBeDefined();
  });

  it("says in one line that a file is damaged", async () => {
    await writeFile(path.join(directory, "running.json"), "{}");

    await expect(loadRunningStack(directory)).rejects.toThrow("running.json is damaged: begin anew with");
  });

  it("says in one line that a directory cannot be written", async () => {
    await writeFile(path.join(directory, "file"), "");

    await expect(prepareStateDirectory(path.join(directory, "file"))).rejects.toThrow(
      `the state directory ${path.join(directory, "file")} cannot be written (ENOTDIR)`,
    );
  });
});
