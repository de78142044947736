/** Simulated time: what is to happen, in the order of its time, each after all that followed from what came before. */

interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Answers false when it did nothing that could let a promise go on. */
  readonly task: () => void | false;
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/**
 * Lets every promise that can go on do so: between two ticks Node runs what promises have become free to do until nothing
 * is left. Nothing here waits for the event loop, a turn of which would cost more than most of what happens in one.
 */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

export class Scheduler {
  #nowMs: number;
  #order = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Entry[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: Entry["task"]): void {
    this.at(this.#nowMs + delayMs, task);
  }

  at(atMs: number, task: Entry["task"]): void {
    this.#order += 1;
    const entry: Entry = { atMs: Math.round(Math.max(atMs, this.#nowMs)), order: this.#order, task };
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Everything stands still for a while, as when a machine was suspended: what was due then comes late. */
  leap(durationMs: number): void {
    this.#nowMs += Math.round(durationMs);
  }

  /**
   * Runs what is due up to `untilMs`; answers how many tasks ran. It ends early when
   * `isOver`. Throws what a task throws, and after `maxTasks`.
   */
  async run(untilMs: number, maxTasks: number, isOver: () => boolean): Promise<number> {
    let ran = 0;
    // A turn of the event loop for each run; from here on this is the work of promises, as `settlePromises` needs it.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs || isOver()) break;
      this.#removeFirst();
      if (next.atMs > this.#nowMs) this.#nowMs = next.atMs;
      ran += 1;
      if (ran > maxTasks) throw new Error(`more than ${maxTasks} things happened: something goes on for ever`);
      if (next.task() !== false) await settlePromises();
    }
    return ran;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}
