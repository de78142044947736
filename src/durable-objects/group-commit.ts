/** Group commit, as databases have it: what comes while earlier work is being stored becomes one transaction. */

export interface GroupCommitOptions<Command, Answer> {
  /** Carries commands out as one transaction, in order: an answer for each, or nothing of them all when it throws. */
  readonly runTogether: (commands: readonly Command[]) => readonly Answer[];
  /** Resolves when what was written so far is stored for good. */
  readonly stored: () => Promise<void>;
  /** The most commands of one transaction, so that other calls of the object get their turn. */
  readonly maxTogether: number;
}

interface Waiting<Command, Answer> {
  readonly command: Command;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Nothing waits while the storage is idle: a command by itself is carried out at once. A transaction costs its pages of the
 * log whatever it writes, and commands that write to the same pages share them.
 */
export class GroupCommit<Command, Answer> {
  readonly #options: GroupCommitOptions<Command, Answer>;
  readonly #waiting: Waiting<Command, Answer>[] = [];
  #isStoring = false;

  constructor(options: GroupCommitOptions<Command, Answer>) {
    this.#options = options;
  }

  /** Carries a command out now or with the next group. Rejects with what carrying it out throws: then nothing of it remains. */
  add(command: Command): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      if (!this.#isStoring) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isStoring = true;
    while (this.#waiting.length > 0) {
      this.#answer(this.#waiting.splice(0, this.#options.maxTogether));
      try {
        await this.#options.stored();
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0)) reject(error);
      }
    }
    this.#isStoring = false;
  }

  /** One command that cannot be carried out takes no other with it: each is tried again by itself. */
  #answer(group: readonly Waiting<Command, Answer>[]): void {
    let answers: readonly Answer[];
    try {
      answers = this.#options.runTogether(group.map(({ command }) => command));
    } catch (error) {
      const [only, ...others] = group;
      if (others.length === 0) only?.reject(error);
      else for (const each of group) this.#answer([each]);
      return;
    }
    // What has been carried out is never tried again, answered or not.
    for (const [index, { resolve, reject }] of group.entries()) {
      const answer = answers[index];
      if (answer === undefined) reject(new Error("a command was carried out without an answer"));
      else resolve(answer);
    }
  }
}
