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

interface Share {
  readonly organizationId: string;
  readonly service: number;
}

/**
 * Whether a holder that gave a slot back would see it go to another: `next` is who gets the next free slot, null when
 * nobody waits. Between equals the one that waits comes first, so that those who share a slot take turns.
 */
export function isOwedToAnother(next: Share | null, holder: Share): boolean {
  return next !== null && next.organizationId !== holder.organizationId && next.service <= holder.service;
}
