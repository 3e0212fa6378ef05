import { forgetReplicas } from "../db/reader.ts";

const caches = new Set<{ clear(): void }>();

/**
 * A cache of one isolate, for values that can be read again. Drops the oldest entries beyond its maximum. Times in
 * milliseconds.
 */
export class ExpiringCache<Value> {
  readonly #entries = new Map<string, { value: Value; since: number }>();
  readonly #maxEntries: number;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
    caches.add(this);
  }

  /** The value, if it was set less than `maxAge` milliseconds before `now`. */
  get(key: string, maxAge: number, now: number): Value | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && now - entry.since < maxAge ? entry.value : undefined;
  }

  set(key: string, value: Value, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, since: now });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

/** Empties every cache. For tests, which change the database under a running isolate. */
export function clearCaches(): void {
  forgetReplicas();
  for (const cache of caches) cache.clear();
}
