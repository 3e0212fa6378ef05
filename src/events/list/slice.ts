import { and, type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";
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
    ? sql`SELECT * FROM (${scanned}) AS keys WHERE ${and(wanted(query), slice.also) ?? sql`1`} LIMIT ${limit} OFFSET ${slice.offset}`
    : candidates(query, slice, limit, slice.offset);
  return sql`SELECT ${slice.columns} FROM (${keys}) AS keys CROSS JOIN events ON events.id = keys.id`;
}

/** The keys of a slice in order. With `scan`, the caller filters them. */
function candidates(query: SeriesQuery, slice: Slice, limit: SQL, offset: number): SQL {
  const { beyond, scan, upto } = slice;
  const isInSnapshot = upto === undefined ? undefined : sql`id <= ${integer(upto)}`;
  const where = scan === undefined ? and(wanted(query), isInSnapshot) : isInSnapshot;
  if (beyond === undefined) return keys(query, slice, and(during(slice.range, sql`created`), where), limit, offset);
  const [ahead, byId] = slice.backwards ? [sql`<`, sql`id DESC`] : [sql`>`, sql`id ASC`];
  const tie = and(sql`created = ${beyond.created}`, sql`id ${ahead} ${beyond.id}`, where);
  const rest = and(
    during(slice.range, sql`created`),
    sql`created ${sql.raw(isDescending(query, slice) ? "<" : ">")} ${beyond.created}`,
    where,
  );
  return sql`SELECT * FROM (${keyRange(query, tie, byId)} LIMIT ${limit})
    UNION ALL SELECT * FROM (${keys(query, slice, rest, limit, 0)}) LIMIT ${limit}`;
}

/**
 * The keys after the first `offset`, in order. The index has the ids of equal times in the order of newest first. For the
 * other order SQLite would read all rows of a time to sort them, and a time may have any number of rows. So the part in
 * the index's own order tells the times, and only the ids of its first and its last time are read in the other.
 */
function keys(
  query: SeriesQuery,
  slice: Pick<Slice, "backwards">,
  where: SQL | undefined,
  limit: SQL,
  offset: SQL | number,
): SQL {
  const descends = isDescending(query, slice);
  const time = sql.raw(`created ${descends ? "DESC" : "ASC"}`);
  const [asked, other] = slice.backwards ? [sql`id DESC`, sql`id ASC`] : [sql`id ASC`, sql`id DESC`];
  if (!query.oldestFirst) return sql`${keyRange(query, where, sql`${time}, ${asked}`)} LIMIT ${limit} OFFSET ${offset}`;
  const [first, last] = [descends ? "max" : "min", descends ? "min" : "max"].map(
    (end) => sql`(SELECT ${sql.raw(end)}(created) FROM part)`,
  );
  const ofTime = (created: SQL | undefined) => keyRange(query, and(sql`created = ${created}`, where), asked);
  const part = sql`WITH part AS MATERIALIZED (
      ${keyRange(query, where, sql`${time}, ${other}`)} LIMIT ${limit} OFFSET ${offset}
    )`;
  const order = sql`ORDER BY ${time}, ${asked} LIMIT ${limit}`;
  if (offset === 0) {
    return sql`${part} SELECT * FROM part WHERE created <> ${last}
      UNION ALL SELECT * FROM (${ofTime(last)} LIMIT ${limit}) ${order}`;
  }
  const earlier = keyRange(query, and(sql`created ${sql.raw(descends ? ">" : "<")} ${first}`, where), time);
  return sql`${part} SELECT * FROM (${ofTime(first)} LIMIT ${limit} OFFSET ${offset} - (SELECT count(*) FROM (${earlier})))
    UNION ALL SELECT * FROM part WHERE created NOT IN (${first}, ${last})
    UNION ALL SELECT * FROM (${ofTime(sql`nullif(${last}, ${first})`)} LIMIT ${limit}) ${order}`;
}

const isDescending = (query: SeriesQuery, { backwards }: Pick<Slice, "backwards">): boolean =>
  query.oldestFirst === backwards;

function keyRange(query: SeriesQuery, where: SQL | undefined, order: SQL): SQL {
  const source =
    query.series === LOG
      ? sql`SELECT id, created, type, 0 AS roles FROM events INDEXED BY events_order`
      : sql`SELECT event_id AS id, created, type, roles FROM event_scopes`;
  const object = query.series === LOG ? undefined : sql`scope = ${query.series}`;
  return sql`${source} WHERE ${and(object, where) ?? sql`1`} ORDER BY ${order}`;
}

/** The condition for the types and roles of the query. */
function wanted({ series, roles, types }: SeriesQuery): SQL | undefined {
  return and(series === LOG ? undefined : hasRole(roles), ofTypes(sql`type`, types));
}

/**
 * A page of the whole log at any depth, in one statement: the counters give the quarter, the day and the hour in
 * which the page begins, and only rows of that hour are skipped one by one.
 */
export function deepLogStatement(query: SeriesQuery, columns: SQL, skip: number, limit: number): SQL {
  const { oldestFirst } = query;
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
  const ahead = sql`created ${sql.raw(oldestFirst ? ">=" : "<")} ${edge}`;
  const offset = sql`max(0, ${skip} - coalesce((SELECT before FROM hour), ${skip}))`;
  return sql`WITH
    quarters AS (SELECT period, n, ${running(sql`0`)} FROM counters WHERE series = 'log'),
    quarter AS MATERIALIZED ${first("quarters")},
    days AS (${inside("log/day", "quarter", period("quarter"), sql`strftime('%Y-%m', ${period("quarter")} || '-01', '+3 months')`)}),
    day AS MATERIALIZED ${first("days")},
    hours AS (${inside("log/hour", "day", period("day"), sql`${period("day")} || 'U'`)}),
    hour AS MATERIALIZED ${first("hours")}
  SELECT ${columns} FROM (${keys(query, { backwards: false }, ahead, sql`${limit}`, offset)}) AS keys
    CROSS JOIN events ON events.id = keys.id`;
}
