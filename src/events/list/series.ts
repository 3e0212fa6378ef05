import { type SQL, sql } from "drizzle-orm";
import type { Reader, Row } from "../../db/reader.ts";
import { isEverything, overlap } from "../../values/periods.ts";
import { type Counted, countStatements, sumCounts } from "../counters/read.ts";
import { ofOneState } from "../log/snapshot.ts";
import { LOG, type SeriesQuery } from "../query.ts";
import { type EventRow, eventRow, type Slice } from "../row.ts";
import { seriesVersion, type Version } from "../version.ts";
import { type SeriesHint, seriesHint } from "./hints.ts";
import { readLog } from "./log.ts";
import { hintKey, isFirstPage, leftOut, skipOf, sliceOf, type Wanted } from "./part.ts";
import { type Counts, rowsAtPlace } from "./place.ts";
import { deepLogStatement, sliceStatement } from "./slice.ts";
import { windowsStatement } from "./windows.ts";

/** Rows of a series that may be scanned for a page before the counters are used to find its place. */
const SCAN = 1_000;

/** The same for oldest first, as a multiple of the page's end: all these rows are read, also when the page is full. */
const SCAN_SORTED = 4;

/** Up to this many rows are skipped one by one; beyond it, with the counters. */
const SHORT_SKIP = 200;

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
 * Reads a part of a series and its exact total, of one snapshot. One round trip when the page is among the first matches, or
 * its place was found before; two or three when matches are rare, or for a deep page number in a filtered series. Events
 * that are written in between are left out. When events are deleted in between, it begins again; throws 503 when that
 * happens each time.
 */
export async function listSeries(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  known: readonly Version[] = [],
): Promise<Listed> {
  return ofOneState(() => listSnapshot(reader, query, wanted, known));
}

async function listSnapshot(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  known: readonly Version[],
): Promise<Listed> {
  if (isAtOnce(query, wanted)) return listLog(reader, query, wanted, known);
  const first = firstStatement(query, wanted, known);
  if (first === undefined) return listAtPlace(reader, query, wanted, await countAround(reader, query, wanted));
  const statements = countStatements(query, { isDeep: skipOf(wanted) > 0 });
  const results = await reader.read([...statements, first]);
  const counted = sumCounts(query, results.slice(0, statements.length));
  const rows = results.at(-1) ?? [];
  if (known.includes(counted.version)) return listed(query, counted, []);
  if (isPlain(query) || rows.length >= expected(wanted, counted.total)) return listed(query, counted, rows);
  const isAll = leftOut(query, wanted) === undefined;
  const counts = isAll ? { counted, before: 0 } : await countAround(reader, query, wanted);
  return listAtPlace(reader, query, wanted, counts);
}

/** Whether it is a part of the whole log that is not deep. */
const isAtOnce = (query: SeriesQuery, wanted: Wanted): boolean =>
  isPlain(query) && isEverything(query.range) && skipOf(wanted) <= SHORT_SKIP;

async function listLog(reader: Reader, query: SeriesQuery, wanted: Wanted, known: readonly Version[]): Promise<Listed> {
  const slice = { ...sliceOf(query, wanted), offset: skipOf(wanted) };
  const statement = (limit: SQL) => sliceStatement(query, slice, limit);
  const { rows, ...counted } = await readLog(reader, statement, wanted.limit, known);
  return listed(query, counted, rows);
}

/** The counters, and those of what the time range leaves out before the part, in one snapshot. One round trip. */
async function countAround(reader: Reader, query: SeriesQuery, wanted: Wanted): Promise<Counts> {
  const outside = leftOut(query, wanted);
  const statements = countStatements(query, { isDeep: skipOf(wanted) > 0 });
  const results = await reader.read([...statements, ...(outside ? countStatements(outside) : [])]);
  const rest = results.splice(statements.length);
  return { counted: sumCounts(query, results), before: outside ? sumCounts(outside, rest).total : 0 };
}

async function listAtPlace(reader: Reader, query: SeriesQuery, wanted: Wanted, counts: Counts) {
  return listed(query, counts.counted, await rowsAtPlace(reader, query, wanted, counts));
}

const listed = (
  { oldestFirst }: SeriesQuery,
  { total, version }: Pick<Counted, "total" | "version">,
  rows: readonly Row[],
): Listed => ({
  total,
  version,
  rows: inListOrder(oldestFirst, rows.map(eventRow)),
});

/** The log without a type filter: every row matches. */
const isPlain = ({ series, types }: SeriesQuery): boolean => series === LOG && types === undefined;

/**
 * The number of rows that the part must have. The rows after a cursor are not counted, so there it is the most it can
 * have.
 */
function expected(wanted: Wanted, total: number): number {
  if (wanted.from === "cursor") return Math.min(wanted.limit, total);
  return Math.max(0, Math.min(wanted.limit, total - skipOf(wanted)));
}

/** The statement for the first round trip; undefined when the counters have to be read first. */
function firstStatement(query: SeriesQuery, wanted: Wanted, known: readonly Version[]): SQL | undefined {
  const { range } = query;
  const plain = isPlain(query);
  const skip = skipOf(wanted);
  if (skip > SHORT_SKIP && !(plain && isEverything(range))) return undefined;
  if (skip > SHORT_SKIP) return deepLogStatement(query, wanted.columns, skip, wanted.limit);
  const limit = unlessKnown(query, wanted, known);
  const slice = { ...sliceOf(query, wanted), offset: skip };
  const hint = isFirstPage(query, wanted) ? seriesHint(hintKey(query, wanted)) : undefined;
  if (hint !== undefined) return hintedStatement(query, slice, hint, limit);
  return sliceStatement(query, plain ? slice : { ...slice, scan: scanned(query, skip + wanted.limit) }, limit);
}

const scanned = ({ oldestFirst }: SeriesQuery, end: number): number => (oldestFirst ? SCAN_SORTED * end : SCAN + end);

function hintedStatement(query: SeriesQuery, slice: Slice, { from, windows, byIndex }: SeriesHint, limit: SQL): SQL {
  const near = { ...slice, range: overlap(slice.range, { from, to: Infinity }) };
  return byIndex ? windowsStatement(query, near, windows, limit) : sliceStatement(query, near, limit);
}

/** The limit as SQL: zero when the client has the current version. */
function unlessKnown({ series }: SeriesQuery, { limit }: Wanted, known: readonly Version[]): SQL {
  if (known.length === 0) return sql`${limit}`;
  return sql`iif(${seriesVersion(series)} IN (SELECT value FROM json_each(${JSON.stringify(known)})), 0, ${limit})`;
}

/** Newest first, or oldest first; ties by ascending id. */
export const inListOrder = (oldestFirst: boolean, rows: readonly EventRow[]): EventRow[] =>
  [...rows].sort((a, b) => (oldestFirst ? a.created - b.created : b.created - a.created) || a.id - b.id);
