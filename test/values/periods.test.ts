import { describe, expect, it } from "vitest";
import {
  dayOf,
  endOf,
  hourOf,
  isWithin,
  monthOf,
  overlap,
  quarterOf,
  split,
  startOf,
  type Unit,
} from "../../src/values/periods.ts";

const microseconds = (iso: string): number => Date.parse(iso) * 1000;
const EVER = { from: -Infinity, to: Infinity };

describe("a period", () => {
  it("of a quarter is named by its first month", () => {
    const months = Array.from({ length: 12 }, (_, index) => `2026-${String(index + 1).padStart(2, "0")}`);
    const quarters = ["2026-01", "2026-04", "2026-07", "2026-10"].flatMap((first) => [first, first, first]);
    expect(months.map(quarterOf)).toEqual(quarters);
  });

  it("has the first and the last microsecond of its month, day or hour", () => {
    const last = microseconds("2025-01-01T00:00:00Z") - 1;
    expect([monthOf(last), dayOf(last), hourOf(last)]).toEqual(["2024-12", "2024-12-31", "2024-12-31T23"]);
    const first = last + 1;
    expect([monthOf(first), dayOf(first), hourOf(first)]).toEqual(["2025-01", "2025-01-01", "2025-01-01T00"]);
  });

  it("before 1970 has them as well", () => {
    expect([dayOf(-1), hourOf(-1)]).toEqual(["1969-12-31", "1969-12-31T23"]);
  });

  it.each([
    ["2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"],
    ["2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"],
    ["2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"],
    ["2024-02-29T23", "2024-02-29T23:00:00Z", "2024-03-01T00:00:00Z"],
  ])("%s begins at %s and ends before %s", (period, from, to) => {
    expect([startOf(period), endOf(period)]).toEqual([microseconds(from), microseconds(to)]);
  });

  it("is within a range from its start on, and not when it begins where the range ends", () => {
    const may = { from: startOf("2026-05"), to: startOf("2026-06") };
    expect(["2026-04", "2026-05", "2026-06"].map((month) => isWithin(month, may))).toEqual([false, true, false]);
  });
});

describe("a range", () => {
  it.each<[Unit, string, string]>([
    ["month", "2026-06-01T00:00:00Z", "2026-08-01T00:00:00Z"],
    ["day", "2026-05-16T00:00:00Z", "2026-08-15T00:00:00Z"],
    ["hour", "2026-05-15T13:00:00Z", "2026-08-15T12:00:00Z"],
  ])("is split into whole units of a %s and the pieces at its edges", (unit, first, last) => {
    const range = { from: microseconds("2026-05-15T12:30:00Z"), to: microseconds("2026-08-15T12:30:00Z") };
    const whole = { from: microseconds(first), to: microseconds(last) };
    const edges = [
      { from: range.from, to: whole.from },
      { from: whole.to, to: range.to },
    ];
    expect(split(range, unit)).toEqual({ whole, edges });
  });

  it("at borders of its unit has no edges, and inside one unit is an edge only", () => {
    const may = { from: startOf("2026-05"), to: startOf("2026-06") };
    expect(split(may, "month")).toEqual({ whole: may, edges: [] });
    const moment = { from: may.from + 1, to: may.from + 2 };
    expect(split(moment, "month")).toEqual({ whole: undefined, edges: [moment] });
    expect(split(EVER, "day")).toEqual({ whole: EVER, edges: [] });
  });

  it("shares with another what lies in both", () => {
    expect(overlap({ from: 1, to: 5 }, { from: 3, to: 9 })).toEqual({ from: 3, to: 5 });
    expect(overlap(EVER, { from: 3, to: 9 })).toEqual({ from: 3, to: 9 });
  });
});
