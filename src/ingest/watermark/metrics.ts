/** What the platform tells of a queue. The local queue gives the time as a number, and 0 for none. */
export interface Metrics {
  backlogCount: number;
  oldestMessageTimestamp?: Date | number;
}

/**
 * The time of the oldest message that is not acknowledged, milliseconds since 1970; Infinity for an empty queue; undefined
 * when it is not known.
 */
export function oldestIn(metrics: Metrics | undefined): number | undefined {
  const oldest = Number(metrics?.oldestMessageTimestamp ?? 0);
  if (oldest > 0) return oldest;
  return metrics?.backlogCount === 0 ? Number.POSITIVE_INFINITY : undefined;
}
