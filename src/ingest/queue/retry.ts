/** Seconds before the first retry; every further one waits twice as long. */
const FIRST_DELAY_SECONDS = 5;
/** Seconds; the queue takes up to 24 hours. */
const MAX_DELAY_SECONDS = 900;

/**
 * Seconds until a message that was delivered `attempts` times is delivered again: doubled each time up to a bound, of
 * which a random half is taken away, so that what failed together does not come back together. `random`: 0 ≤ r < 1.
 */
export function retryDelay(attempts: number, random: number): number {
  const longest = Math.min(FIRST_DELAY_SECONDS * 2 ** Math.max(0, attempts - 1), MAX_DELAY_SECONDS);
  return Math.ceil(longest / 2 + (longest / 2) * random);
}
