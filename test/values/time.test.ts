import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTime, printTime } from "../../src/values/time.ts";

const FIRST = Date.UTC(1685, 0, 1) * 1_000;
const LAST = Date.UTC(2255, 0, 1) * 1_000;

describe("a time that is printed", () => {
  it("has its microseconds, or no fraction for a whole second", () => {
    expect(printTime(Date.UTC(2026, 6, 23, 11, 55, 22) * 1_000 + 917_636)).toBe("2026-07-23T11:55:22.917636Z");
    expect(printTime(Date.UTC(2026, 6, 23, 11, 55, 22) * 1_000 + 7)).toBe("2026-07-23T11:55:22.000007Z");
    expect(printTime(Date.UTC(2026, 6, 23) * 1_000)).toBe("2026-07-23T00:00:00Z");
    expect(printTime(0)).toBe("1970-01-01T00:00:00Z");
    expect(printTime(-1)).toBe("1969-12-31T23:59:59.999999Z");
  });

  it("is that of Date, and is read back, whatever was printed before", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: FIRST, max: LAST }), { minLength: 1 }), (times) => {
        for (const time of times) {
          const text = printTime(time);
          expect(text.slice(0, 19)).toBe(new Date(Math.floor(time / 1_000)).toISOString().slice(0, 19));
          expect(parseTime(text)).toBe(time);
        }
      }),
    );
  });
});
