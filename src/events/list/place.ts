import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Reader, type Row } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { dayOf, EVER, overlap, type Range } from "../../values/periods.ts";
import { type Counted, dayRows, daysOf, idsWithin, type UnitCount, unitsOf } from "../counters/read.ts";
import { readEvents, readUnchanged } from "../log/snapshot.ts";
import { LOG, type SeriesQuery } from "../query.ts";
import type { Slice } from "../row.ts";
import { lastIdOf, type Version } from "../version.ts";
import { keepSeriesHint } from "./hints.ts";
import { costs, locate, type Place, spanOf, sumOf, walked } from "./locate.ts";
import { hintKey, isFirstPage, skipOf, sliceOf, type Wanted } from "./part.ts";
import { sliceStatement } from "./slice.ts";
import { type IdWindow, windowsOf, windowsStatement } from "./windows.ts";

/** Months of the log that would cost this many rows are divided into days. */
const LONG_MONTHS = 2_000;

/** The entry of the index and the event. */
const ROWS_A_HIT = 2;

const NO_ID_ABOVE = Number.MAX_SAFE_INTEGER;

/** The counters of a series in one snapshot, and how many matches its time range leaves out before the part. */
export interface Counts {
  counted: Counted;
  before: number;
}

/**
 * Finds the place of the part with the counters, then reads its rows in the cheaper of two ways. All belongs to the snapshot
 * of the counts: events that were written since are left out. Throws ChangedError (log/snapshot.ts).
 */
export async function rowsAtPlace(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  counts: Counts,
): Promise<readonly Row[]> {
  const { version } = counts.counted;
  const slice = sliceOf(query, wanted);
  const found = await find(reader, query, wanted, slice, counts);
  const cost = costs(found.place, slice.limit);
  const range = overlap(rangeOf(query, wanted), spanOf(found.place.units));
  if (range.from >= range.to) return [];
  const upto = lastIdOf(version);
  const near = { ...slice, range, offset: found.place.offset, upto };
  const windows = windowsOf(idsWithin(found.rows, range));
  const byIndex = cost.index + ROWS_A_HIT * matchesBesides(found, windows, counts.counted.quarters) < cost.walk;
  if (isFirstPage(query, wanted)) {
    const later = windows.map((ids, index) => (index === windows.length - 1 ? { ...ids, max: NO_ID_ABOVE } : ids));
    keepSeriesHint(hintKey(query, wanted), { from: range.from, windows: later, byIndex });
  }
  const statement = byIndex ? windowsStatement(query, near, windows) : sliceStatement(query, near);
  return readEvents(reader, query.series, version, statement);
}

/**
 * The matches that the windows have besides those of the place, if the series is spread evenly over its ids. A late event
 * stretches the window of its period to the end of the log.
 */
function matchesBesides({ place, all }: Found, windows: readonly IdWindow[], quarters: readonly Row[]): number {
  const ids = widthOf(windowsOf(idsWithin(quarters, EVER)));
  const { rows, matches } = sumOf(all);
  const idsOfPlace = (sumOf(place.units).rows / rows) * ids;
  return Math.max(0, widthOf(windows) - idsOfPlace) * (matches / ids);
}

const widthOf = (windows: readonly IdWindow[]): number => windows.reduce((sum, { min, max }) => sum + max - min + 1, 0);

interface Found {
  place: Place;
  /** The rows of `counters` that the place was computed from. */
  rows: readonly Row[];
  /** All units of the series, before months were divided. */
  all: readonly UnitCount[];
}

/** The place of the part. Long months of the log are divided into days. */
async function find(
  reader: Reader,
  query: SeriesQuery,
  wanted: Wanted,
  slice: Slice,
  { counted: { quarters, version }, before }: Counts,
): Promise<Found> {
  const descending = query.oldestFirst === slice.backwards;
  const skip = skipOf(wanted) > 0 ? skipOf(wanted) + before : 0;
  const range = skip > 0 ? EVER : walkRange(slice, descending);
  const all = unitsOf(query, quarters);
  const place = locate(walked(all, range, descending), range, skip, slice.limit);
  const { walk, index } = costs(place, slice.limit);
  if (query.series !== LOG || Math.min(walk, index) < LONG_MONTHS) return { place, rows: quarters, all };
  const months = place.units.map(({ period }) => dayRows(period));
  const [newer = [], ...days] = await readUnchanged(reader, version, [writtenSince(version), ...months]);
  const rows = days.flat();
  const units = without(newer, query, daysOf(query, rows)).sort((a, b) => (a.period < b.period ? -1 : 1));
  return { place: locate(walked(units, range, descending), range, place.offset, slice.limit), rows, all };
}

/** One row for each event of the log that was written after a version. */
const writtenSince = (version: Version): SQL =>
  sql`SELECT created, type FROM events WHERE id > ${integer(lastIdOf(version))}`;

/** The days of the log without these events. */
function without(newer: readonly Row[], { types }: SeriesQuery, days: readonly UnitCount[]): UnitCount[] {
  const counts = new Map(days.map((day) => [day.period, { ...day }]));
  for (const row of newer) {
    const day = counts.get(dayOf(numberAt(row, "created")));
    if (day === undefined) continue;
    day.rows -= 1;
    if (types?.includes(numberAt(row, "type")) ?? true) day.matches -= 1;
  }
  return [...counts.values()].filter(({ rows }) => rows > 0);
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
  if (skipOf(wanted) === 0) return range;
  return oldestFirst ? { ...EVER, to: range.to } : { ...EVER, from: range.from };
}
