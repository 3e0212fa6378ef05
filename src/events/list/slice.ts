import { and, type SQL, sql } from "drizzle-orm";
import { during, hasRole, ofTypes } from "../conditions.ts";
import { LOG, type SeriesQuery } from "../query.ts";
import type { Slice } from "../row.ts";

/**
 * Rows of a series from its own index: events_order for the log, event_scopes for an object. Both orders sort ties by
 * ascending id, so walking back from a cursor needs two index ranges: the rest of its tie, then the earlier times.
 */
export function sliceStatement(query: SeriesQuery, slice: Slice, limit: SQL = sql`${slice.limit}`): SQL {
  const scanned = slice.scan === undefined ? undefined : candidates(query, slice, sql`${slice.scan}`, 0);
  const keys = scanned
    ? sql`SELECT * FROM (${scanned}) AS keys WHERE ${wanted(query)} LIMIT ${limit} OFFSET ${slice.offset}`
    : candidates(query, slice, limit, slice.offset);
  return sql`SELECT ${slice.columns} FROM (${keys}) AS keys CROSS JOIN events ON events.id = keys.id`;
}

/** The keys of a slice in order. With `scan`, the caller filters them. */
function candidates(query: SeriesQuery, slice: Slice, limit: SQL, offset: number): SQL {
  const { beyond, scan } = slice;
  const where = scan === undefined ? wanted(query) : undefined;
  if (beyond === undefined) {
    return sql`${keyRange(query, slice, and(during(slice.range, sql`created`), where))} LIMIT ${limit} OFFSET ${offset}`;
  }
  const descends = isDescending(query, slice);
  const tie = and(
    sql`created = ${beyond.created}`,
    sql`id ${sql.raw(slice.backwards ? "<" : ">")} ${beyond.id}`,
    where,
  );
  const rest = and(
    during(slice.range, sql`created`),
    sql`created ${sql.raw(descends ? "<" : ">")} ${beyond.created}`,
    where,
  );
  return sql`SELECT * FROM (${keyRange(query, slice, tie)} LIMIT ${limit})
    UNION ALL SELECT * FROM (${keyRange(query, slice, rest)} LIMIT ${limit}) LIMIT ${limit}`;
}

const isDescending = (query: SeriesQuery, { backwards }: Slice): boolean => query.oldestFirst === backwards;

function keyRange(query: SeriesQuery, slice: Slice, where: SQL | undefined): SQL {
  const time = sql.raw(isDescending(query, slice) ? "DESC" : "ASC");
  const id = sql.raw(slice.backwards ? "DESC" : "ASC");
  const source =
    query.series === LOG
      ? sql`SELECT id, created, type, 0 AS roles FROM events INDEXED BY events_order`
      : sql`SELECT event_id AS id, created, type, roles FROM event_scopes`;
  const column = query.series === LOG ? sql`id` : sql`event_id`;
  const object = query.series === LOG ? undefined : sql`scope = ${query.series}`;
  return sql`${source} WHERE ${and(object, where) ?? sql`1`} ORDER BY created ${time}, ${column} ${id}`;
}

/** The condition for the types and roles of the query. */
function wanted({ series, roles, types }: SeriesQuery): SQL | undefined {
  return and(series === LOG ? undefined : hasRole(roles), ofTypes(sql`type`, types));
}

/**
 * A page of the whole log at any depth, in one statement: the counters give the quarter, the day and the hour in
 * which the page begins, and only rows of that hour are skipped one by one.
 */
export function deepLogStatement({ oldestFirst }: SeriesQuery, columns: SQL, skip: number, limit: number): SQL {
  const order = sql.raw(oldestFirst ? "ASC" : "DESC");
  const first = (of: string) => sql`(SELECT period, before FROM (
      SELECT period, n, total - n AS before, total FROM ${sql.raw(of)}
    ) WHERE total > ${skip} ORDER BY total LIMIT 1)`;
  const running = (before: SQL) => sql`${before} + sum(n) OVER (ORDER BY period ${order}) AS total`;
  const inside = (series: string, parent: string, from: SQL, to: SQL) => sql`SELECT counters.period, n,
      ${running(sql`(SELECT before FROM ${sql.raw(parent)})`)}
    FROM counters WHERE series = ${series} AND counters.period >= ${from} AND counters.period < ${to}`;
  const period = (of: string) => sql`(SELECT period FROM ${sql.raw(of)})`;
  // Microseconds where the hour begins (oldest first) or ends (newest first).
  const edge = sql`(SELECT (unixepoch(period || ':00') + ${oldestFirst ? 0 : 3600}) * 1000000 FROM hour)`;
  return sql`WITH
    quarters AS (SELECT period, n, ${running(sql`0`)} FROM counters WHERE series = 'log'),
    quarter AS MATERIALIZED ${first("quarters")},
    days AS (${inside("log/day", "quarter", period("quarter"), sql`strftime('%Y-%m', ${period("quarter")} || '-01', '+3 months')`)}),
    day AS MATERIALIZED ${first("days")},
    hours AS (${inside("log/hour", "day", period("day"), sql`${period("day")} || 'U'`)}),
    hour AS MATERIALIZED ${first("hours")}
  SELECT ${columns} FROM events
  WHERE events.created ${sql.raw(oldestFirst ? ">=" : "<")} ${edge}
  ORDER BY events.created ${order}, events.id LIMIT ${limit} OFFSET max(0, ${skip} - coalesce((SELECT before FROM hour), ${skip}))`;
}
