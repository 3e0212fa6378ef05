/** 2024-10-09T00:00:00Z, when the intervals of Durable Streams begin, and their length: milliseconds. */
const BEGIN = Date.UTC(2024, 9, 9);
const INTERVAL = 20_000;
/** Seconds by which a cursor that has not moved is moved, the most. */
const MAX_JITTER = 3_600;

/**
 * The number of the present interval of 20 seconds. A cache between client and server must not answer a request twice with the
 * same response, so the number is higher than `sent`, by a random time. `now` in milliseconds, 0 ≤ `random` < 1.
 */
export function nextCursor(sent: number | undefined, now = Date.now(), random = Math.random()): number {
  const present = Math.floor((now - BEGIN) / INTERVAL);
  if (sent === undefined || sent < present) return present;
  return sent + Math.max(1, Math.ceil(((1 + random * (MAX_JITTER - 1)) * 1_000) / INTERVAL));
}
