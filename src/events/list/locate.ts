import { type SQL, sql } from "drizzle-orm";
import { endOf, type Range, startOf } from "../../values/periods.ts";
import type { UnitCount } from "../counters/read.ts";
import type { FeedQuery } from "../query.ts";
import { eventColumns } from "./slice.ts";

/**
 * A page of the whole log at any depth, in one statement: the counters tell the quarter, the day and the hour in which
 * the page begins, so only that hour is counted off row by row.
 */
export function deepLogStatement({ oldestFirst }: FeedQuery, skip: number, limit: number): SQL {
  const order = sql.raw(oldestFirst ? "ASC" : "DESC");
  const first = (of: string) => sql`(SELECT period, before FROM (
      SELECT period, n, total - n AS before, total FROM ${sql.raw(of)}
    ) WHERE total > ${skip} ORDER BY total LIMIT 1)`;
  const running = (before: SQL) => sql`${before} + sum(n) OVER (ORDER BY period ${order}) AS total`;
  const inside = (feed: string, parent: string, from: SQL, to: SQL) => sql`SELECT counters.period, n,
      ${running(sql`(SELECT before FROM ${sql.raw(parent)})`)}
    FROM counters WHERE feed = ${feed} AND counters.period >= ${from} AND counters.period < ${to}`;
  const period = (of: string) => sql`(SELECT period FROM ${sql.raw(of)})`;
  // Microseconds where the hour begins (oldest first) or ends (newest first).
  const edge = sql`(SELECT (unixepoch(period || ':00') + ${oldestFirst ? 0 : 3600}) * 1000000 FROM hour)`;
  return sql`WITH
    quarters AS (SELECT period, n, ${running(sql`0`)} FROM counters WHERE feed = 'log'),
    quarter AS MATERIALIZED ${first("quarters")},
    days AS (${inside("log/day", "quarter", period("quarter"), sql`strftime('%Y-%m', ${period("quarter")} || '-01', '+3 months')`)}),
    day AS MATERIALIZED ${first("days")},
    hours AS (${inside("log/hour", "day", period("day"), sql`${period("day")} || 'U'`)}),
    hour AS MATERIALIZED ${first("hours")}
  SELECT ${eventColumns} FROM events
  WHERE events.created ${sql.raw(oldestFirst ? ">=" : "<")} ${edge}
  ORDER BY events.created ${order}, events.id LIMIT ${limit} OFFSET max(0, ${skip} - coalesce((SELECT before FROM hour), ${skip}))`;
}

/** Where in a feed a part of its list lies: only these units hold its events. */
export interface Place {
  units: readonly UnitCount[];
  /** Matches of the units that come before the part. */
  offset: number;
}

/** The units that touch a range, in the order of walking. */
export function walked(units: readonly UnitCount[], { from, to }: Range, descending: boolean): UnitCount[] {
  const inside = units.filter(({ period }) => startOf(period) < to && endOf(period) > from);
  return descending ? inside.reverse() : inside;
}

/**
 * The units that hold `limit` matches after the first `skip`, from units in the order of walking. With nothing to skip a
 * range may cut units short: what it cuts is looked at but not relied on.
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

/** The time from the first to the last of these units. */
export const spanOf = (units: readonly UnitCount[]): Range => ({
  from: Math.min(...units.map(({ period }) => startOf(period))),
  to: Math.max(...units.map(({ period }) => endOf(period))),
});

/** What both are of. */
export const overlap = (a: Range, b: Range): Range => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) });

/** Rows that reading a part would cost: by walking its units, and by the inverted index, which reads each match twice. */
export function costs({ units, offset }: Place, limit: number): { walk: number; index: number } {
  const rows = units.reduce((sum, unit) => sum + unit.rows, 0);
  const matches = units.reduce((sum, unit) => sum + unit.matches, 0);
  return { walk: Math.min(rows, ((offset + limit) * rows) / Math.max(1, matches)), index: 2 * matches };
}
