import { setTimeout as delay } from "node:timers/promises";

/**
 * Asks again and again until the answer is one, and returns it. Throws an `Error` that names what was waited for when
 * none came in time.
 */
export async function waitUntil<Value>(
  what: string,
  ask: () => Promise<Value | null>,
  options: { readonly withinMs: number; readonly everyMs?: number },
): Promise<Value> {
  const deadlineMs = Date.now() + options.withinMs;
  while (Date.now() < deadlineMs) {
    const answer = await ask();
    if (answer !== null) return answer;
    await delay(options.everyMs ?? 50);
  }
  throw new Error(`${what} did not come within ${options.withinMs} ms`);
}
