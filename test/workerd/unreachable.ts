/** Organizations that no call of the platform reaches, as if their object were away. */

const away = new Set<string>();

export function setReachable(organizationId: string, isReachable: boolean): void {
  if (isReachable) away.delete(organizationId);
  else away.add(organizationId);
}

/** Throws for an organization that is away. */
export function assertReachable(organizationId: string): void {
  if (away.has(organizationId)) throw new Error("the organization is away");
}
