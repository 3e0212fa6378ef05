import { describe, expect, it } from "vitest";
import { epochOf, isBehind, lastIdOf, NO_EVENTS } from "../../src/events/version.ts";

describe("a version", () => {
  it.each([
    ["of a series with fewer events", "4.9.2", "5.12.2", true],
    ["of a series with more events", "5.12.2", "4.9.2", false],
    ["of the same state", "5.12.2", "5.12.2", false],
    ["of a search that has seen less", "9.2", "12.2", true],
    ["after a deletion", "4.12.3", "5.12.2", false],
    ["after the deletion of the newest event", "11.3", "12.2", false],
    ["before a deletion", "5.12.2", "4.12.3", true],
    ["of no events", NO_EVENTS, "5.12.2", true],
    ["of events, beside none", "5.12.2", NO_EVENTS, false],
  ])("%s is behind another one or not: %s, %s", (_of, version, seen, behind) => {
    expect(isBehind(version, seen)).toBe(behind);
  });

  it("may be behind what cannot be compared with it, unless the two are equal", () => {
    const [event, hash] = ["7.0a1b2c3d4e5f60718293a4b5c6d7e8f9", "0a1b2c3d4e5f6071"];

    expect([isBehind(event, "7.ffffffffffffffffffffffffffffffff"), isBehind("5.12.2", hash)]).toEqual([true, true]);
    expect([isBehind(event, event), isBehind(hash, hash)]).toEqual([false, false]);
  });

  it("has the last id and the epoch", () => {
    expect([lastIdOf("5.12.2"), lastIdOf("12.2"), epochOf("5.12.2"), epochOf("12.2")]).toEqual([12, 12, 2, 2]);
  });
});
