import { sql } from "drizzle-orm";
import * as v from "valibot";
import { database, runBatch } from "../db/client.ts";
import type { Env } from "../env.ts";
import { completeness } from "../events/log/complete.ts";
import { countStored } from "../events/log/size.ts";
import { RHYTHM_DAYS, usualGap } from "../ingest/statistics/pauses.ts";
import { countEvents, countLetters, countRejections, type Days, producersSince } from "../ingest/statistics/summary.ts";
import { DAY, dayOf, HOUR } from "../values/periods.ts";
import { microsecondsNow } from "../values/time.ts";

/**
 * What takes more rows than a scrape may read is counted by the cron job, every minute, into one row. So the counters are
 * exact for any number of producers and days, and at most a minute old.
 */

/** Producers that are told one by one: those that have been silent for longest, by their own rhythm. */
export const MAX_PRODUCERS = 50;
/** Days before today over which the growth of the database is measured. */
const GROWTH_DAYS = 7;
/** A row that is later than now by more than this, microseconds, was written by a clock that was wrong. */
const MAX_AHEAD = 300_000_000;
/** Reasons of rejected requests; there are ten (src/ingest/statistics/rejected.ts). */
const MAX_REASONS = 20;

const count = v.pipe(v.number(), v.safeInteger());

const sums = v.object({ accepted: count, stored: count, duplicates: count, rejected: v.record(v.string(), count) });

const schema = v.object({
  /** Everything since the first day. */
  totals: sums,
  /** The part of it before a day, which hardly changes: added up again every hour, at a time in microseconds. */
  earlier: v.object({ before: v.string(), at: count, sums }),
  events: count,
  /** Dead letters by state; `oldest`: when the first of them came there, microseconds. */
  letters: v.record(v.string(), v.object({ letters: count, oldest: v.nullable(count) })),
  /** How many have sent events within RHYTHM_DAYS. */
  producers: count,
  /** Of MAX_PRODUCERS of them: seconds of certain silence, up to `through`, and the usual gap. */
  silent: v.array(v.object({ name: v.string(), silence: v.number(), gap: v.nullable(v.number()) })),
  /** When an event was last received, microseconds; 0 for never. */
  newest: count,
  /** The size of the database, bytes, at times in microseconds: the first of each day. */
  sizes: v.array(v.tuple([count, count])),
});

export type Numbers = v.InferOutput<typeof schema>;
type Sums = v.InferOutput<typeof sums>;
type Row = Record<string, unknown>;

/** One row: `at`, when the numbers were written (microseconds, 0 for never), and `numbers`. */
export const numbersStatement = sql`SELECT at, numbers FROM operations`;

/** The numbers in a row; undefined before the first run, and where an earlier version has written others. */
export function numbersIn(row: Row | undefined): Numbers | undefined {
  const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), row?.numbers);
  return success ? output : undefined;
}

/**
 * The job of every minute: counts, and writes one row. Of two that run at the same time, the later one stays. `now` in
 * milliseconds.
 */
export async function writeNumbers({ DB }: Pick<Env, "DB">, now = Date.now()): Promise<void> {
  const db = database(DB);
  const time = microsecondsNow(now);
  const [row] = await runBatch(db, [numbersStatement]);
  const numbers = await counted(DB, numbersIn(row?.results[0]), time);
  await runBatch(db, [
    sql`UPDATE operations SET at = ${time}, numbers = ${JSON.stringify(numbers)}
      WHERE at < ${time} OR at > ${time + MAX_AHEAD}`,
  ]);
}

async function counted(DB: D1Database, before: Numbers | undefined, now: number): Promise<Numbers> {
  const known = before !== undefined && Math.abs(now - before.earlier.at) < HOUR ? before.earlier : undefined;
  const day = known?.before ?? dayOf(now - DAY);
  const results = await runBatch(database(DB), [
    ...[countStored, countLetters, completeness, producersSince(dayOf(now - RHYTHM_DAYS * DAY))],
    ...sumsOf({ from: day }),
    ...(known === undefined ? sumsOf({ before: day }) : []),
  ]);
  const [[stored] = [], letters = [], [state] = [], producers = [], ...summed] = results.map(
    (result) => result.results,
  );
  const earlier = known ?? { before: day, at: now, sums: sumsIn(summed.slice(2)) };
  const bytes = results[0]?.meta.size_after ?? 0;
  return {
    totals: added(earlier.sums, sumsIn(summed)),
    earlier,
    events: Number(stored?.events ?? 0),
    letters: lettersIn(letters),
    producers: producers.length,
    silent: silentIn(producers, Number(state?.complete_through ?? 0)),
    newest: producers.reduce((newest, { last }) => Math.max(newest, Number(last)), 0),
    sizes: sizesWith(before?.sizes ?? [], now, bytes),
  };
}

const sumsOf = (days: Days) => [countEvents(days), countRejections(days)];

function sumsIn([events = [], rejections = []]: readonly Row[][]): Sums {
  const { accepted, stored, duplicates } = events[0] ?? {};
  const requests = rejections
    .slice(0, MAX_REASONS)
    .map(({ reason, requests: number }) => [String(reason), Number(number)] as const);
  return {
    ...{ accepted: Number(accepted), stored: Number(stored), duplicates: Number(duplicates) },
    rejected: Object.fromEntries(requests),
  };
}

function added(a: Sums, b: Sums): Sums {
  const reasons = [...new Set([...Object.keys(a.rejected), ...Object.keys(b.rejected)])];
  const rejected = reasons.map((reason) => [reason, (a.rejected[reason] ?? 0) + (b.rejected[reason] ?? 0)] as const);
  return {
    accepted: a.accepted + b.accepted,
    stored: a.stored + b.stored,
    duplicates: a.duplicates + b.duplicates,
    rejected: Object.fromEntries(rejected),
  };
}

const lettersIn = (rows: readonly Row[]): Numbers["letters"] =>
  Object.fromEntries(
    rows.map(({ state, letters, oldest }) => [
      String(state),
      { letters: Number(letters), oldest: oldest === null ? null : Number(oldest) },
    ]),
  );

/**
 * A silence is certain up to the watermark: whatever was accepted before it is stored, and so no event of the producer waits
 * anywhere. Therefore a queue that stops does not make its producers silent.
 */
function silentIn(rows: readonly Row[], through: number): Numbers["silent"] {
  const all = rows.map(({ producer, last, pauses }) => {
    const gap = usualGap(v.parse(histograms, pauses)) ?? null;
    return { name: String(producer), silence: Math.max(0, through - Number(last)) / 1_000_000, gap };
  });
  const unusual = ({ silence, gap }: Numbers["silent"][number]) => silence / (gap ?? Number.POSITIVE_INFINITY);
  return all.sort((a, b) => unusual(b) - unusual(a)).slice(0, MAX_PRODUCERS);
}

const histograms = v.pipe(v.string(), v.parseJson(), v.array(v.record(v.string(), v.number())));

/** The first size of each of the last days, with that of today. */
function sizesWith(sizes: Numbers["sizes"], now: number, bytes: number): Numbers["sizes"] {
  const recent = sizes.filter(([at]) => at <= now && dayOf(at) >= dayOf(now - GROWTH_DAYS * DAY));
  return recent.some(([at]) => dayOf(at) === dayOf(now)) ? recent : [...recent, [now, bytes]];
}
