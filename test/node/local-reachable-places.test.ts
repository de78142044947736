import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reachableDataDirectory, removeDataDirectory } from "../../scripts/local/reachable-places.ts";

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "reachable-places-"));
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

describe("a data directory", () => {
  test("stays in its place where others may pass", async () => {
    await chmod(home, 0o711);
    const wanted = path.join(home, "postgres");
    expect(await reachableDataDirectory(wanted, owner)).toBe(wanted);
  });

  test("is kept elsewhere below a closed folder, found again, and removed whole", async () => {
    await chmod(home, 0o700);
    const wanted = path.join(home, "postgres");
    const kept = await reachableDataDirectory(wanted, owner);
    expect(kept).not.toBe(wanted);
    expect((await stat(wanted)).ino).toBe((await stat(kept)).ino);
    expect(await reachableDataDirectory(wanted, owner)).toBe(kept);

    await removeDataDirectory(wanted);
    expect([existsSync(wanted), existsSync(kept)]).toEqual([false, false]);
  });
});
