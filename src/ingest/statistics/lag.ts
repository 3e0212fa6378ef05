/** Buckets for each doubling: a percentile is at most a fifth too high. */
const BUCKETS_PER_DOUBLING = 4;

/** The bucket of a lag in milliseconds: bucket n has the lags above the bound of n − 1 and up to the bound of n. */
export const lagBucket = (milliseconds: number): number =>
  milliseconds <= 1 ? 0 : Math.ceil(Math.log2(milliseconds) * BUCKETS_PER_DOUBLING);

/** The longest lag in a bucket, in milliseconds. */
export const bucketBound = (bucket: number): number => 2 ** (bucket / BUCKETS_PER_DOUBLING);

/** The lag (milliseconds) that this part of all (0 < part ≤ 1) does not exceed; undefined for an empty histogram. */
export function percentile(histogram: Readonly<Record<string, number>>, part: number): number | undefined {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const wanted = buckets.reduce((sum, [, count]) => sum + count, 0) * part;
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= wanted) return Math.round(bucketBound(bucket));
  }
  return undefined;
}
