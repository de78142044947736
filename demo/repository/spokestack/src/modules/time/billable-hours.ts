export interface TimeEntry {
  readonly userId: string;
  readonly briefId: string | null;
  readonly hours: number;
  readonly isBillable: boolean;
  readonly isApproved: boolean;
}

/** Approved billable hours as a share of capacity, between 0 and 1 or above when someone works overtime. */
export function utilization(entries: readonly TimeEntry[], capacityHours: number): number {
  if (capacityHours <= 0) return 0;
  const billable = entries.filter((entry) => entry.isBillable && entry.isApproved);
  return billable.reduce((sum, entry) => sum + entry.hours, 0) / capacityHours;
}
