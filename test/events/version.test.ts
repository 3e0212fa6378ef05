import { describe, expect, it } from "vitest";
import { epochOf, isBehind, lastIdOf, NO_EVENTS } from "../../src/events/version.ts";

describe("a version", () => {
  it.each([
    ["of a series with fewer events", "4.9.2.7", "5.12.2.7", true],
    ["of a series with more events", "5.12.2.7", "4.9.2.7", false],
    ["of the same state", "5.12.2.7", "5.12.2.7", false],
    ["of a search that has seen less", "9.2.7", "12.2.7", true],
    ["after a deletion", "4.12.3.7", "5.12.2.7", false],
    ["after the deletion of the newest event", "13.3.7", "12.2.7", false],
    ["after the deletion of all that was newest", "4.9.3.7", "5.12.2.7", false],
    ["before a deletion", "5.12.2.7", "4.12.3.7", true],
    ["of the log before it was restored", "9.20.5.6", "5.12.2.7", true],
    ["of a restored log", "5.12.2.7", "9.20.5.6", false],
    ["of no events", NO_EVENTS, "5.12.2.7", true],
    ["of events, beside none", "5.12.2.7", NO_EVENTS, false],
  ])("%s is behind another one or not: %s, %s", (_of, version, seen, behind) => {
    expect(isBehind(version, seen)).toBe(behind);
  });

  it("may be behind what cannot be compared with it, unless the two are equal", () => {
    const [event, hash] = ["7.0a1b2c3d4e5f60718293a4b5c6d7e8f9", "0a1b2c3d4e5f6071"];

    expect([isBehind(event, "7.ffffffffffffffffffffffffffffffff"), isBehind("5.12.2.7", hash)]).toEqual([true, true]);
    expect([isBehind(event, event), isBehind(hash, hash)]).toEqual([false, false]);
  });

  it("has the last id and the epoch", () => {
    expect([lastIdOf("5.12.2.7"), lastIdOf("12.2.7"), epochOf("5.12.2.7"), epochOf("12.2.7")]).toEqual([12, 12, 2, 2]);
  });
});
