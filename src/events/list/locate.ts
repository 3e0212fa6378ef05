import { endOf, type Range, startOf } from "../../values/periods.ts";
import type { UnitCount } from "../counters/read.ts";

/** The place of a part of a list: only these units have its events. */
export interface Place {
  units: readonly UnitCount[];
  /** Matches in these units before the part. */
  offset: number;
}

/** The units that overlap a range, in list order or against it. */
export function walked(units: readonly UnitCount[], { from, to }: Range, descending: boolean): UnitCount[] {
  const inside = units.filter(({ period }) => startOf(period) < to && endOf(period) > from);
  return descending ? inside.reverse() : inside;
}

/**
 * The units that have `limit` matches after the first `skip`. `units` are in walking order. Without a skip, a range
 * may cut a unit: a cut unit is included, but its matches do not count towards `limit`.
 */
export function locate(units: readonly UnitCount[], range: Range, skip: number, limit: number): Place {
  const chosen: UnitCount[] = [];
  let before = 0;
  let reliable = 0;
  for (const unit of units) {
    if (before + unit.matches <= skip && chosen.length === 0 && skip > 0) {
      before += unit.matches;
      continue;
    }
    chosen.push(unit);
    const cut = skip === 0 && (startOf(unit.period) < range.from || endOf(unit.period) > range.to);
    reliable += cut ? 0 : unit.matches;
    if (before + reliable >= skip + limit) break;
  }
  return { units: chosen, offset: skip - before };
}

/** The time from the first to the last unit. */
export const spanOf = (units: readonly UnitCount[]): Range => ({
  from: Math.min(...units.map(({ period }) => startOf(period))),
  to: Math.max(...units.map(({ period }) => endOf(period))),
});

export const sumOf = (units: readonly UnitCount[]): Pick<UnitCount, "rows" | "matches"> => ({
  rows: units.reduce((sum, unit) => sum + unit.rows, 0),
  matches: units.reduce((sum, unit) => sum + unit.matches, 0),
});

/** The rows read for a part: along its units, and through the inverted index, which reads two rows a match. */
export function costs({ units, offset }: Place, limit: number): { walk: number; index: number } {
  const { rows, matches } = sumOf(units);
  return { walk: Math.min(rows, ((offset + limit) * rows) / Math.max(1, matches)), index: 2 * matches };
}
