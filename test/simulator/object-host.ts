/** Runs one object: starts its code when it is called, loses its memory when it dies, and fires its alarm. */
import type { Disk } from "./disk.ts";
import type { Faults } from "./faults.ts";
import { ObjectProcess, ProcessDied } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Sender {
  isAlive(): boolean;
}

export interface ObjectHostOptions {
  readonly name: string;
  readonly disk: Disk;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  /** Makes the object over its state; what it sends is sent by `process`. */
  readonly create: (state: DurableObjectState, process: Sender, nowMs: () => number) => object;
  readonly onCommit: () => void;
  /** An alarm that failed though its process lived. */
  readonly onFailure: (error: unknown) => void;
}

interface Running {
  readonly process: ObjectProcess;
  readonly object: object;
}

export class ObjectHost {
  readonly name: string;
  readonly disk: Disk;
  readonly #options: ObjectHostOptions;
  #running: Running | null = null;
  #alarmScheduledAtMs: number | null = null;
  #skewMs = 0;

  constructor(options: ObjectHostOptions) {
    this.#options = options;
    this.name = options.name;
    this.disk = options.disk;
  }

  /** How far the object's clock is from the true time. */
  setSkew(skewMs: number): void {
    this.#skewMs = skewMs;
  }

  /** What the object's clock says. */
  nowMs(): number {
    return this.#options.scheduler.nowMs() + this.#skewMs;
  }

  /** Memory is lost, and every call under way with it. */
  evict(): void {
    this.#running?.process.die();
    this.#running = null;
  }

  /** Carries a call out now. Rejects with `ProcessDied` when the process did not live to answer it. */
  async call(method: string, command: unknown): Promise<unknown> {
    const { process, object } = this.#start();
    const work: unknown = Reflect.get(object, method);
    if (typeof work !== "function") throw new TypeError(`${this.name} has no method ${method}`);
    const answer: unknown = await Promise.resolve(Reflect.apply(work, object, [command]));
    if (!process.isAlive()) throw new ProcessDied("it died before it could answer");
    return answer;
  }

  #start(): Running {
    if (this.#running?.process.isAlive() === true) return this.#running;
    this.evict();
    const { name, disk, faults, create, onCommit } = this.#options;
    const process = new ObjectProcess(disk, faults, { alarmSet: () => this.#scheduleAlarm(), committed: onCommit });
    const object = create(process.state(name), process, () => this.nowMs());
    this.#running = { process, object };
    return this.#running;
  }

  #scheduleAlarm(): void {
    const { disk, scheduler, faults } = this.#options;
    const { alarmAtMs } = disk;
    if (alarmAtMs === null) {
      this.#alarmScheduledAtMs = null;
      return;
    }
    const dueMs = Math.max(alarmAtMs, scheduler.nowMs());
    const atMs = dueMs + faults.alarmDelayMs(dueMs);
    if (this.#alarmScheduledAtMs !== null && this.#alarmScheduledAtMs <= atMs) return;
    this.#alarmScheduledAtMs = atMs;
    scheduler.at(atMs, () => {
      if (this.#alarmScheduledAtMs !== atMs) return false;
      this.#alarmScheduledAtMs = null;
      return this.#fireAlarm();
    });
  }

  #fireAlarm(): void | false {
    const { disk, scheduler, faults } = this.#options;
    const { alarmAtMs } = disk;
    if (alarmAtMs === null) return false;
    if (alarmAtMs > scheduler.nowMs()) {
      this.#scheduleAlarm();
      return false;
    }
    disk.alarmAtMs = null;
    void this.call("alarm", undefined).catch((error: unknown) => {
      if (!(error instanceof ProcessDied)) this.#options.onFailure(error);
      // The platform runs the handler again when it did not come to its end.
      disk.alarmAtMs ??= scheduler.nowMs() + faults.alarmDelayMs(scheduler.nowMs());
      this.#scheduleAlarm();
    });
    return undefined;
  }
}
