/** Which organization gets the next free slot. */

export interface Contender {
  readonly organizationId: string;
  /** Slots that it wants beyond those that it holds or was offered. */
  readonly openDemand: number;
  /** Slots granted so far, each divided by the weight of the organization at that time. */
  readonly service: number;
  readonly headPriority: number | null;
  readonly oldestAtMs: number | null;
}

export type Pick = { readonly kind: "grant"; readonly organizationId: string } | { readonly kind: "none" };

function compare(left: Contender, right: Contender): number {
  const lowest = Number.MAX_SAFE_INTEGER;
  return (
    left.service - right.service ||
    (left.headPriority ?? lowest) - (right.headPriority ?? lowest) ||
    (left.oldestAtMs ?? lowest) - (right.oldestAtMs ?? lowest) ||
    (left.organizationId < right.organizationId ? -1 : 1)
  );
}

/** Least weighted service first, then the most urgent job, then the one that has waited longest. */
export function pickContender(contenders: readonly Contender[]): Pick {
  const [first] = contenders.filter(({ openDemand }) => openDemand > 0).toSorted(compare);
  return first === undefined ? { kind: "none" } : { kind: "grant", organizationId: first.organizationId };
}

/** Service after one more grant. */
export function serviceAfterGrant(service: number, weight: number): number {
  return service + 1 / weight;
}

/**
 * Service of an organization that begins to want slots again: time in which it wanted none is no credit, so it starts
 * level with the least served of those that want some.
 */
export function serviceOnReturn(service: number, serviceOfOthers: readonly number[]): number {
  return serviceOfOthers.length === 0 ? service : Math.max(service, Math.min(...serviceOfOthers));
}
