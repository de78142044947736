/** Disks of earlier runs, emptied: to make tables and prepare statements anew would take longer than a run. */
import { migrateSchema } from "../../src/durable-objects/schema-version.ts";
import { Disk } from "./disk.ts";
import { ObjectProcess } from "./process.ts";

export class DiskPool {
  readonly #migrations: readonly string[];
  readonly #idle: Disk[] = [];

  constructor(migrations: readonly string[]) {
    this.#migrations = migrations;
  }

  /** An empty disk with its tables. */
  take(): Disk {
    const used = this.#idle.pop();
    if (used !== undefined) {
      used.reset();
      return used;
    }
    const disk = new Disk();
    const immortal = { atWrite: () => false, atCommit: () => false };
    const process = new ObjectProcess(disk, immortal, { alarmSet: () => undefined, committed: () => undefined });
    migrateSchema(process.state("disk").storage, this.#migrations);
    disk.markStart();
    return disk;
  }

  giveBack(disk: Disk): void {
    this.#idle.push(disk);
  }
}
