import { and, type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../../db/reader.ts";
import { dayOf, hourOf, isEverything, isWithin, monthOf, quarterOf, type Range, split } from "../../values/periods.ts";
import { during, hasRole, ofTypes } from "../conditions.ts";
import { LOG, type SeriesQuery } from "../query.ts";
import { STATE, type Version, versionOf } from "../version.ts";
import { rolesOfCode, typeOfCode } from "./codes.ts";

/** The exact number of matching events, and the rows that it was computed from. */
export interface Counted {
  total: number;
  version: Version;
  /** The rows of the series in `counters`, by quarter. */
  quarters: readonly Row[];
}

/**
 * The statements that count the matching events. They read a bounded number of rows: the counters and, at the edges
 * of a time range, the events of at most two hours (of the log), two days (of an object) or two months (of an object,
 * by types). `isDeep`: the details are wanted of all quarters, also of those that the time range leaves out.
 */
export function countStatements(query: SeriesQuery, { isDeep = false } = {}): SQL[] {
  const plan = planOf(query);
  return [
    quarterRows(query, isDeep || plan.whole !== undefined || query.types !== undefined, isDeep),
    ...plan.days.map((days) => periodRows("log/day", dayOf, days)),
    ...plan.hours.map((hours) => periodRows("log/hour", hourOf, hours)),
    ...plan.edges.map((edge) => countRows(query, edge)),
  ];
}

/** Reads the details only where they are summed up: the codes of the whole log are tens of kilobytes a quarter. */
function quarterRows({ series, types, range }: SeriesQuery, hasDetails: boolean, isDeep: boolean): SQL {
  const rows = sql`SELECT period, n, min_id, last_id, changed_id, ${STATE} AS state`;
  const from = sql`FROM counters WHERE series = ${series} ORDER BY period`;
  const isTotal = series === LOG && types === undefined && isEverything(range);
  if (!hasDetails || isTotal) return sql`${rows} ${from}`;
  const column = sql.raw(series === LOG || types !== undefined ? "codes" : "days");
  const wanted = isDeep ? undefined : withinQuarters(range);
  return sql`${rows}, ${wanted === undefined ? column : sql`CASE WHEN ${wanted} THEN ${column} END AS ${column}`} ${from}`;
}

/** A condition for the rows of the quarters that a range touches; undefined for an unbounded range. */
const withinQuarters = ({ from, to }: Range): SQL | undefined =>
  and(
    Number.isFinite(from) ? sql`period >= ${quarterOf(monthOf(from))}` : undefined,
    Number.isFinite(to) ? sql`period <= ${quarterOf(monthOf(to))}` : undefined,
  );

/** The quarter rows with all details. */
export const detailedQuarters = (series: string): SQL =>
  sql`SELECT period, n, min_id, last_id, changed_id, codes, days, ${STATE} AS state
    FROM counters WHERE series = ${series} ORDER BY period`;

/** The sum of the results of `countStatements`, in the same order. */
export function sumCounts(query: SeriesQuery, results: readonly (readonly Row[])[]): Counted {
  const [quarters = [], ...rest] = results;
  const plan = planOf(query);
  const isCounted = counted(query);
  const inPeriods = rest.slice(0, plan.days.length + plan.hours.length).flat();
  const inEdges = rest.slice(
    plan.days.length + plan.hours.length,
    plan.days.length + plan.hours.length + plan.edges.length,
  );
  const total =
    sumQuarters(query, quarters, plan.whole) +
    inPeriods.reduce((sum, row) => sum + sumCodes(textAt(row, "codes"), isCounted), 0) +
    inEdges.reduce((sum, [row]) => sum + numberAt(row, "n"), 0);
  return { total, version: versionOf(quarters), quarters };
}

/** How a time range is counted: whole months or days from the quarter rows, the rest by smaller periods. */
interface CountPlan {
  whole: Range | undefined;
  days: Range[];
  hours: Range[];
  edges: Range[];
}

function planOf({ series, types, range }: SeriesQuery): CountPlan {
  const months = split(range, series === LOG || types !== undefined ? "month" : "day");
  if (series !== LOG) return { whole: months.whole, days: [], hours: [], edges: months.edges };
  const days = months.edges.map((edge) => split(edge, "day"));
  const hours = days.flatMap(({ edges }) => edges).map((edge) => split(edge, "hour"));
  const whole = (splits: typeof days) => splits.flatMap((piece) => piece.whole ?? []);
  return { whole: months.whole, days: whole(days), hours: whole(hours), edges: hours.flatMap(({ edges }) => edges) };
}

const periodRows = (series: string, name: (time: number) => string, { from, to }: Range): SQL =>
  sql`SELECT codes FROM counters WHERE series = ${series} AND period >= ${name(from)} AND period < ${name(to)}`;

function countRows({ series, roles, types }: SeriesQuery, edge: Range): SQL {
  if (series === LOG) {
    const where = sql`${during(edge, sql`created`)} AND ${ofTypes(sql`type`, types) ?? sql`1`}`;
    return sql`SELECT count(*) AS n FROM events INDEXED BY events_order WHERE ${where}`;
  }
  return sql`SELECT count(*) AS n FROM event_scopes WHERE scope = ${series} AND ${during(edge, sql`created`)}
    AND ${hasRole(roles)} AND ${ofTypes(sql`type`, types) ?? sql`1`}`;
}

function sumQuarters(query: SeriesQuery, quarters: readonly Row[], whole: Range | undefined): number {
  if (whole === undefined) return 0;
  if (query.series === LOG && query.types === undefined && isEverything(whole))
    return quarters.reduce((sum, row) => sum + numberAt(row, "n"), 0);
  return unitsOf(query, quarters)
    .filter(({ period }) => isWithin(period, whole))
    .reduce((sum, { matches }) => sum + matches, 0);
}

/** A month or a day, its matching events, and all its events in the series. */
export interface UnitCount {
  period: string;
  matches: number;
  rows: number;
}

/**
 * The months of a series, or the days of an object without a type filter, oldest first, with their matches. Periods
 * without events are left out.
 */
export function unitsOf(query: SeriesQuery, quarters: readonly Row[]): UnitCount[] {
  const byDay = query.series !== LOG && query.types === undefined;
  const isCounted = byDay ? (roles: number) => (roles & query.roles) !== 0 : counted(query);
  return quarters
    .flatMap((quarter) => unitsOfQuarter(quarter, byDay ? "days" : "codes", isCounted))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => (a.period < b.period ? -1 : 1));
}

// Loops that make few objects: a quarter of the log has thousands of codes.
function unitsOfQuarter(quarter: Row, column: string, isCounted: (code: number) => boolean): UnitCount[] {
  const year = textAt(quarter, "period").slice(0, "2026-".length);
  const counts = numbersIn(textAt(quarter, column));
  const units = new Map<string, UnitCount>();
  for (const key in counts) {
    const end = key.indexOf(":");
    const unit = key.slice(0, end);
    const n = counts[key] ?? 0;
    const count = units.get(unit) ?? { period: year + unit, matches: 0, rows: 0 };
    if (count.rows === 0) units.set(unit, count);
    count.rows += n;
    if (isCounted(Number(key.slice(end + 1)))) count.matches += n;
  }
  return [...units.values()];
}

function sumCodes(codes: string, isCounted: (code: number) => boolean): number {
  const counts = numbersIn(codes);
  let sum = 0;
  for (const code in counts) if (isCounted(Number(code))) sum += counts[code] ?? 0;
  return sum;
}

/** A test whether a code has one of the types and one of the roles of the query. */
function counted({ series, roles, types }: SeriesQuery): (code: number) => boolean {
  const wanted = types && new Set(types);
  return (code) => {
    if (series !== LOG && (rolesOfCode(code) & roles) === 0) return false;
    return wanted?.has(typeOfCode(code)) ?? true;
  };
}

/** The day rows of a month of the log. */
export const dayRows = (month: string): SQL =>
  sql`SELECT period, n, min_id, last_id, codes FROM counters WHERE series = 'log/day' AND period > ${month} AND period < ${`${month}-99`}`;

/** The days of the log, from rows of `dayRows`. */
export function daysOf(query: SeriesQuery, rows: readonly Row[]): UnitCount[] {
  const isCounted = counted(query);
  return rows.map((row) => ({
    period: textAt(row, "period"),
    matches: sumCodes(textAt(row, "codes"), isCounted),
    rows: numberAt(row, "n"),
  }));
}

/** The ids of the periods in a range, for each. `rows` are the rows of a series in `counters`, by quarter or by day. */
export function idsWithin(rows: readonly Row[], { from, to }: Range): { min: number; max: number }[] {
  const inside = rows.filter((row) => {
    const period = textAt(row, "period");
    const name = (time: number) => (period.length === 7 ? quarterOf(monthOf(time)) : dayOf(time));
    return !(Number.isFinite(from) && period < name(from)) && !(Number.isFinite(to) && period > name(to));
  });
  return inside.map((row) => ({ min: numberAt(row, "min_id"), max: numberAt(row, "last_id") }));
}

const numbersIn = (json: string): Record<string, number> => JSON.parse(json || "{}");
