/** Seconds before the first retry; each further delay is twice as long. */
const FIRST_DELAY_SECONDS = 5;
/** Seconds; the queue takes up to 24 hours. */
const MAX_DELAY_SECONDS = 900;

/** Seconds between two tries to write into a database that is full. */
export const FULL_DELAY_SECONDS = MAX_DELAY_SECONDS;
/** The delivery after whose failure the queue gives a message up (max_retries in wrangler.toml, and the first one). */
export const LAST_ATTEMPT = 101;

/**
 * Seconds until the next delivery of a message that was delivered `attempts` times: doubled each time up to a
 * maximum, half of it random, so that messages that failed together do not return together. 0 ≤ `random` < 1.
 */
export function retryDelay(attempts: number, random: number): number {
  const longest = Math.min(FIRST_DELAY_SECONDS * 2 ** Math.max(0, attempts - 1), MAX_DELAY_SECONDS);
  return Math.ceil(longest / 2 + (longest / 2) * random);
}
