/** Wait before the next try, doubling from `firstMs` up to `maxMs`. */
export function resendDelayMs(tries: number, limits: { readonly firstMs: number; readonly maxMs: number }): number {
  return Math.min(limits.firstMs * 2 ** Math.min(tries, 30), limits.maxMs);
}
