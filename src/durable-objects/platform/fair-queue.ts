/** How fair sharing counts: whoever has been served least, by weight, gets the next free slot. */

/** Service after one more grant. */
export function serviceAfterGrant(service: number, weight: number): number {
  return service + 1 / weight;
}

/**
 * Service of an organization that begins to want slots again: time in which it wanted none is no credit, so it starts
 * level with the least served of those that want some.
 */
export function serviceOnReturn(service: number, leastServiceOfOthers: number | null): number {
  return leastServiceOfOthers === null ? service : Math.max(service, leastServiceOfOthers);
}
