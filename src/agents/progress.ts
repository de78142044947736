/** Whether an agent gets anywhere, read off its transcript alone: live and resumed slices see the same. */
import { findTool } from "../tools/registry.ts";
import { isStuckMessage, parseMessage, toolCallsOf, toolErrorsOf, type TranscriptMessage } from "./transcript.ts";

/** When an agent counts as stuck. */
export interface StuckLimits {
  /** So many times the same call with the same input. */
  readonly repeatedCalls: number;
  /** So many tool calls in a row that failed, or asked what was asked before. */
  readonly idleCalls: number;
}

/** `tell`: the agent is to be told, once. `stop`: it was told, and goes on in the same way. */
export type ProgressVerdict = "getting_on" | "tell" | "stop";

function changesSomething(toolName: string): boolean {
  const tool = findTool(toolName);
  return tool !== null && tool.access !== "read";
}

/** Follows one transcript, message by message. */
export class ProgressWatch {
  readonly #limits: StuckLimits;
  /** How often each call was made; calls that only read count anew once something was changed. */
  readonly #reads = new Map<string, number>();
  readonly #changes = new Map<string, number>();
  #asked: readonly { readonly id: string; readonly name: string; readonly key: string }[] = [];
  #idleCalls = 0;
  #isRepeating = false;
  #wasTold = false;

  constructor(limits: StuckLimits, messages: readonly string[]) {
    this.#limits = limits;
    for (const message of messages) this.observe(message);
  }

  /** Takes the next message of the transcript. */
  observe(messageText: string): void {
    if (isStuckMessage(messageText)) {
      this.#wasTold = true;
      this.#idleCalls = 0;
      this.#isRepeating = false;
      return;
    }
    const message = parseMessage(messageText);
    if (message.role === "assistant") {
      this.#asked = toolCallsOf(message).map(({ id, name, input }) => ({
        id,
        name,
        key: `${name} ${JSON.stringify(input)}`,
      }));
    } else this.#takeAnswers(message);
  }

  verdict(): ProgressVerdict {
    if (!this.#isRepeating && this.#idleCalls < this.#limits.idleCalls) return "getting_on";
    return this.#wasTold ? "stop" : "tell";
  }

  #takeAnswers(message: TranscriptMessage): void {
    const failed = toolErrorsOf(message);
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length > 0) this.#isRepeating = false;
    for (const { id, name, key } of asked) {
      const isChange = changesSomething(name);
      const counts = isChange ? this.#changes : this.#reads;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count >= this.#limits.repeatedCalls) this.#isRepeating = true;
      const isNew = count === 1 && !failed.has(id);
      this.#idleCalls = isNew ? 0 : this.#idleCalls + 1;
      if (isNew && isChange) this.#reads.clear();
    }
  }
}
