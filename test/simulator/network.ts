/** Carries calls to objects: late, twice, out of order, or without the answer. */
import type { ObjectNamespace } from "../../src/durable-objects/rpc-stub.ts";
import type { Faults } from "./faults.ts";
import type { ObjectHost, Sender } from "./object-host.ts";
import type { Scheduler } from "./scheduler.ts";

export class CallLost extends Error {
  override readonly name = "CallLost";
}

/** Stands between the network and an object: sees every call that is carried out, and may change it. */
export interface Tap {
  readonly sent: (host: ObjectHost, method: string, command: unknown) => void;
  readonly carryOut: (host: ObjectHost, method: string, command: unknown) => Promise<unknown>;
}

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly tap: Tap;
}

const lostAfterMs = 300;

export class Network {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** A namespace of objects as `sender` sees it. */
  namespace(sender: Sender, host: (name: string) => ObjectHost): ObjectNamespace {
    return {
      getByName: (name) =>
        new Proxy(
          { fetch: () => Promise.reject(new CallLost("nobody opens sockets in a simulation")) },
          {
            get: (_target, method) =>
              typeof method === "string" && method !== "then"
                ? (command: unknown) => this.#call(sender, host(name), method, command)
                : undefined,
          },
        ),
    };
  }

  #call(sender: Sender, host: ObjectHost, method: string, command: unknown): Promise<unknown> {
    const { scheduler, faults, tap } = this.#options;
    return new Promise((resolve, reject) => {
      if (!sender.isAlive()) {
        reject(new CallLost("its sender died"));
        return;
      }
      tap.sent(host, method, command);
      const lose = (): void => {
        scheduler.after(lostAfterMs, () => reject(new CallLost(`${method} of ${host.name}`)));
      };
      if (faults.happens("requestLost")) {
        lose();
        return;
      }
      if (faults.happens("duplicated")) {
        scheduler.after(faults.delayMs(), () => void tap.carryOut(host, method, command).catch(() => undefined));
      }
      const answer = (settle: () => void): void => {
        if (faults.happens("replyLost")) lose();
        else scheduler.after(faults.delayMs(), settle);
      };
      scheduler.after(faults.delayMs(), () => {
        tap.carryOut(host, method, command).then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(new Error(`${method} failed`, { cause: error }))),
        );
      });
    });
  }
}
