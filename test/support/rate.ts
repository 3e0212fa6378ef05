/** A rate limit that lets so many through for each key, and the keys it was asked for. */
export function aRate(limit: number): { rate: RateLimit; keys: string[] } {
  const keys: string[] = [];
  const rate = {
    limit: async ({ key }: { key: string }) => {
      keys.push(key);
      return { success: keys.filter((one) => one === key).length <= limit };
    },
  };
  return { rate, keys };
}
