/** A queue whose messages may come late, twice, out of order, or never. */
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Sender } from "./object-host.ts";
import type { Scheduler } from "./scheduler.ts";

/** Milliseconds until the message is delivered again, or null when the queue may forget it. */
export type Settlement = number | null;

export interface MessageQueueOptions<Message> {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly chance: Chance;
  readonly consume: (message: Message, attempts: number) => Promise<Settlement>;
}

const maxDeliveries = 4;

export class MessageQueue<Message> {
  readonly #options: MessageQueueOptions<Message>;

  constructor(options: MessageQueueOptions<Message>) {
    this.#options = options;
  }

  /** The binding, as `sender` has it. */
  binding(sender: Sender): { readonly send: (message: Message) => Promise<void> } {
    return { send: (message) => this.#send(sender, message) };
  }

  #send(sender: Sender, message: Message): Promise<void> {
    const { faults, scheduler } = this.#options;
    if (!sender.isAlive()) return Promise.reject(new Error("its sender died"));
    const refused = faults.happens("sendRefused");
    // A refusal may be one that came after the message was taken.
    if (!faults.happens("messageLost") && !(refused && this.#options.chance.happens(0.5))) this.#deliver(message, 1);
    if (faults.happens("messageDuplicated")) this.#deliver(message, 1);
    return new Promise((resolve, reject) => {
      scheduler.after(1, () => {
        if (refused) reject(new Error("the queue timed out"));
        else resolve();
      });
    });
  }

  #deliver(message: Message, attempts: number, delayMs = this.#options.faults.delayMs()): void {
    const { scheduler } = this.#options;
    scheduler.after(delayMs, () => {
      void this.#consume(message, attempts);
    });
  }
  async #consume(message: Message, attempts: number): Promise<void> {
    const retryAfterMs = await this.#options.consume(message, attempts);
    if (retryAfterMs !== null && attempts < maxDeliveries) this.#deliver(message, attempts + 1, retryAfterMs);
  }
}
