/** Bytes of a database of D1 on the paid plan (https://developers.cloudflare.com/d1/platform/limits/). */
export const DATABASE_LIMIT_BYTES = 10_000_000_000;

/** The growth is told after this time, milliseconds. */
const MIN_SPAN_MS = 86_400_000;

/**
 * When the database will be full, in seconds since 1970, if it goes on growing as since the first of `sizes` ([microseconds,
 * bytes], the oldest first); undefined when that is less than a day ago, or the database has not grown. `now` in milliseconds.
 */
export function fullAt(sizes: readonly (readonly [number, number])[], bytes: number, now: number): number | undefined {
  const [[at, size] = [0, 0]] = sizes;
  const span = now - at / 1_000;
  if (sizes.length === 0 || span < MIN_SPAN_MS || bytes <= size) return undefined;
  const left = Math.max(0, DATABASE_LIMIT_BYTES - bytes);
  return Math.round((now + (left * span) / (bytes - size)) / 1_000);
}
