import { describe, expect, it } from "vitest";
import { clearCaches, ExpiringCache } from "../../src/http/cache.ts";

describe("a cache of an isolate", () => {
  it("has a value until its age is the greatest allowed", () => {
    const cache = new ExpiringCache<string>(10);
    cache.set("key", "value", 1_000);
    expect([1_000, 1_059, 1_060].map((now) => cache.get("key", 60, now))).toEqual(["value", "value", undefined]);
    expect(cache.get("other", 60, 1_000)).toBeUndefined();
  });

  it("counts the age of a value that is set again from then on", () => {
    const cache = new ExpiringCache<string>(10);
    cache.set("key", "first", 1_000);
    cache.set("key", "second", 1_050);
    expect(cache.get("key", 60, 1_109)).toBe("second");
  });

  it("drops the value that was set first when it is full", () => {
    const cache = new ExpiringCache<number>(2);
    for (const [index, key] of ["a", "b", "c"].entries()) cache.set(key, index, 0);
    expect(["a", "b", "c"].map((key) => cache.get(key, 1, 0))).toEqual([undefined, 1, 2]);
  });

  it("takes a value that is set again for a new one when it is full", () => {
    const cache = new ExpiringCache<number>(2);
    for (const [index, key] of ["a", "b", "a", "c"].entries()) cache.set(key, index, 0);
    expect(["a", "b", "c"].map((key) => cache.get(key, 1, 0))).toEqual([2, undefined, 3]);
  });

  it("is emptied together with all others", () => {
    const caches = [new ExpiringCache<number>(1), new ExpiringCache<number>(1)];
    for (const cache of caches) cache.set("key", 1, 0);
    clearCaches();
    expect(caches.map((cache) => cache.get("key", 1, 0))).toEqual([undefined, undefined]);
  });
});
