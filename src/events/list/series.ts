import { type SQL, sql } from "drizzle-orm";
import type { Reader, Row } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { isEverything, overlap, type Range } from "../../values/periods.ts";
import { type Counted, countStatements, dayRows, daysOf, idsWithin, sumCounts, unitsOf } from "../counters/read.ts";
import type { Cursor } from "../page-token.ts";
import { LOG, type SeriesQuery } from "../query.ts";
import { type EventRow, eventRow, type Slice } from "../row.ts";
import { indexStatement } from "../search/by-index.ts";
import { matchOfSeries } from "../search/match.ts";
import { seriesVersion, type Version } from "../version.ts";
import { keepSeriesHint, type SeriesHint, seriesHint } from "./hints.ts";
import { costs, locate, type Place, spanOf, walked } from "./locate.ts";
import { deepLogStatement, sliceStatement } from "./slice.ts";

/** Rows of a series that may be scanned for a page before the counters are used to find its place. */
const SCAN = 1_000;

/** The same for oldest first, as a multiple of the page's end: all these rows are read, also when the page is full. */
const SCAN_SORTED = 4;

/** Up to this many rows are skipped one by one; beyond it, with the counters. */
const SHORT_SKIP = 200;

/** Months of the log that would cost this many rows are divided into days. */
const LONG_MONTHS = 2_000;

const EVER: Range = { from: -Infinity, to: Infinity };

/** A part of a list: `limit` events after the first `skip`, at the end, or next to another event. */
export type Part =
  | { from: "start"; skip: number; limit: number }
  | { from: "end"; limit: number }
  | { from: "cursor"; direction: Cursor["direction"]; beyond: Required<Slice>["beyond"]; limit: number };

/** The wanted part, with the columns of its rows. */
export type Wanted = Part & Pick<Slice, "columns">;

/** The rows found for a part of a list. */
export interface Listed {
  total: number;
  version: Version;
  /** In list order. */
  rows: EventRow[];
  /** Whether the total includes every event; absent where it always does. */
  isExact?: boolean;
}

/**
 * Reads a part of a series and its exact total. One round trip when the page is among the first matches, or its place
 * was found before; two or three when matches are rare, or for a deep page number in a filtered series.
 */
export async function listSeries(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  known: readonly Version[] = [],
): Promise<Listed> {
  const counts = countStatements(query);
  const first = firstStatement(query, wanted, known);
  const results = await reader.read(first === undefined ? counts : [...counts, first]);
  const counted = sumCounts(query, results.slice(0, counts.length));
  if (known.includes(counted.version)) return { total: counted.total, version: counted.version, rows: [] };
  const rows = first === undefined ? [] : (results.at(-1) ?? []);
  const done = first !== undefined && (isPlain(query) || rows.length >= expected(wanted, counted.total));
  const found = done ? rows : await lookCloser(reader, query, wanted, counted);
  return { total: counted.total, version: counted.version, rows: inListOrder(query.oldestFirst, found.map(eventRow)) };
}

/** The log without a type filter: every row matches. */
const isPlain = ({ series, types }: SeriesQuery): boolean => series === LOG && types === undefined;

/**
 * The number of rows that the part must have. The rows after a cursor are not counted, so there it is the most it can
 * have.
 */
function expected(wanted: Wanted, total: number): number {
  const before = wanted.from === "start" ? wanted.skip : 0;
  return wanted.from === "cursor" ? Math.min(wanted.limit, total) : Math.max(0, Math.min(wanted.limit, total - before));
}

/** The statement for the first round trip; undefined when the counters have to be read first. */
function firstStatement(query: SeriesQuery, wanted: Wanted, known: readonly Version[]): SQL | undefined {
  const { range } = query;
  const plain = isPlain(query);
  const skip = wanted.from === "start" ? wanted.skip : 0;
  if (skip > SHORT_SKIP && !(plain && isEverything(range))) return undefined;
  if (skip > SHORT_SKIP) return deepLogStatement(query, wanted.columns, skip, wanted.limit);
  const limit = unlessKnown(query, wanted, known);
  const slice = { ...sliceOf(query, wanted), offset: skip };
  const hint = isFirstPage(query, wanted) ? seriesHint(hintKey(query, wanted)) : undefined;
  if (hint !== undefined) return hintedStatement(query, slice, hint, limit);
  return sliceStatement(query, plain ? slice : { ...slice, scan: scanned(query, skip + wanted.limit) }, limit);
}

const scanned = ({ oldestFirst }: SeriesQuery, end: number): number => (oldestFirst ? SCAN_SORTED * end : SCAN + end);

/** Hints serve first pages, newest first. Later events have higher ids, so a hint cannot miss them. */
const isFirstPage = ({ oldestFirst }: SeriesQuery, wanted: Wanted): boolean =>
  !oldestFirst && wanted.from === "start" && wanted.skip === 0;

const hintKey = ({ series, roles, types, range }: SeriesQuery, { limit }: Wanted): string =>
  [series, roles, types, range.from, range.to, limit].join(" ");

function hintedStatement(query: SeriesQuery, slice: Slice, { from, minId, byIndex }: SeriesHint, limit: SQL): SQL {
  const near = { ...slice, range: overlap(slice.range, { from, to: Infinity }) };
  if (!byIndex) return sliceStatement(query, near, limit);
  const ids = { min: integer(minId), max: integer(Number.MAX_SAFE_INTEGER) };
  return indexStatement(query.oldestFirst, { ...near, match: matchOfSeries(query), ids }, undefined, limit);
}

/** The limit as SQL: zero when the client has the current version. */
function unlessKnown({ series }: SeriesQuery, { limit }: Wanted, known: readonly Version[]): SQL {
  if (known.length === 0) return sql`${limit}`;
  return sql`iif(${seriesVersion(series)} IN (SELECT value FROM json_each(${JSON.stringify(known)})), 0, ${limit})`;
}

function sliceOf(query: SeriesQuery, wanted: Wanted): Slice {
  const { range } = query;
  const { columns, limit } = wanted;
  const backwards = wanted.from === "end" || (wanted.from === "cursor" && wanted.direction === "before");
  const beyond = wanted.from === "cursor" ? { beyond: wanted.beyond } : {};
  return { columns, backwards, range, offset: 0, limit, ...beyond };
}

/** Finds the place of the part with the counters, then reads its rows in the cheaper of two ways. */
async function lookCloser(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  counted: Counted,
): Promise<readonly Row[]> {
  const slice = sliceOf(query, wanted);
  const found = await find(reader, query, wanted, slice, counted.quarters);
  const cost = costs(found.place, slice.limit);
  const range = overlap(rangeOf(query, wanted), spanOf(found.place.units));
  if (range.from >= range.to) return [];
  const near = { ...slice, range, offset: found.place.offset };
  const ids = idsWithin(found.rows, range);
  const byIndex = cost.index < cost.walk;
  if (isFirstPage(query, wanted)) keepSeriesHint(hintKey(query, wanted), { from: range.from, minId: ids.min, byIndex });
  const statement = byIndex
    ? indexStatement(query.oldestFirst, {
        ...near,
        match: matchOfSeries(query),
        ids: { min: integer(ids.min), max: integer(ids.max) },
      })
    : sliceStatement(query, near);
  const [rows = []] = await reader.read([statement]);
  return rows;
}

/**
 * The place of the part, and the rows of `counters` that it was computed from. Long months of the log are divided
 * into days.
 */
async function find(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  slice: Slice,
  quarters: readonly Row[],
): Promise<{ place: Place; rows: readonly Row[] }> {
  const descending = query.oldestFirst === slice.backwards;
  const skip = await skipInSeries(reader, query, wanted);
  const range = skip > 0 ? EVER : walkRange(slice, descending);
  const place = locate(walked(unitsOf(query, quarters), range, descending), range, skip, slice.limit);
  const { walk, index } = costs(place, slice.limit);
  if (query.series !== LOG || Math.min(walk, index) < LONG_MONTHS) return { place, rows: quarters };
  const rows = (await reader.read(place.units.map(({ period }) => dayRows(period)))).flat();
  const days = daysOf(query, rows).sort((a, b) => (a.period < b.period ? -1 : 1));
  return { place: locate(walked(days, range, descending), range, place.offset, slice.limit), rows };
}

/** The part of the range that is still ahead of the cursor. */
function walkRange({ range, beyond }: Slice, descending: boolean): Range {
  if (beyond === undefined) return range;
  return overlap(
    range,
    descending ? { from: -Infinity, to: beyond.created + 1 } : { from: beyond.created, to: Infinity },
  );
}

/** The time of the rows to look at. Those before the part are skipped, also where the time range leaves them out. */
function rangeOf({ range, oldestFirst }: SeriesQuery, wanted: Wanted): Range {
  if (wanted.from !== "start" || wanted.skip === 0) return range;
  return oldestFirst ? { ...EVER, to: range.to } : { ...EVER, from: range.from };
}

/** Matches of the whole series before the part, including those that the time range leaves out. */
async function skipInSeries(reader: Reader, query: SeriesQuery, wanted: Wanted): Promise<number> {
  if (wanted.from !== "start" || wanted.skip === 0) return 0;
  const { from, to } = query.range;
  const outside = query.oldestFirst ? { from: -Infinity, to: from } : { from: to, to: Infinity };
  if (outside.from >= outside.to) return wanted.skip;
  const before = { ...query, range: outside };
  return wanted.skip + sumCounts(before, await reader.read(countStatements(before))).total;
}

/** Newest first, or oldest first; ties by ascending id. */
export const inListOrder = (oldestFirst: boolean, rows: readonly EventRow[]): EventRow[] =>
  [...rows].sort((a, b) => (oldestFirst ? a.created - b.created : b.created - a.created) || a.id - b.id);
