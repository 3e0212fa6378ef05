import { sql } from "drizzle-orm";
import * as v from "valibot";
import { percentile } from "../../ingest/statistics/lag.ts";
import { DAY, dayOf } from "../../values/periods.ts";
import { microsecondsNow } from "../../values/time.ts";
import { query, type Row } from "../d1.ts";
import { command, JSON_OPTION } from "./command.ts";
import { checkedNumber } from "./options.ts";
import { printList } from "./print.ts";

const DEFAULT_DAYS = 7;
const MAX_DAYS_DIGITS = 4;
const NUMBERS = ["accepted", "stored", "duplicates", "waiting", "dead"] as const;

/** JSON text of an object of numbers. */
const numbers = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.number()));

const status = command({
  name: "ingest status",
  usage: "[--days N] [--producer NAME] [--json]",
  help: `Counts the events of each producer by the day (UTC) on which they were received. Default of N: ${DEFAULT_DAYS}.
Accepted = stored + duplicate + waiting + dead. Waiting: dead letters that are being replayed. Dead: the other dead letters,
and those that were discarded. New events in the queue are not counted yet. Lag is the time from received to stored that
50 % and 99 % of the events do not exceed; the number is at most a fifth too high.`,
  options: {
    ...JSON_OPTION,
    days: { type: "string", default: String(DEFAULT_DAYS) },
    producer: { type: "string" },
  },
  async run({ target, values }) {
    const days = checkedNumber("--days", values.days, MAX_DAYS_DIGITS);
    const first = dayOf(microsecondsNow() - (days - 1) * DAY);
    const rows = await query(target, daysSince(first, values.producer));
    printList({
      rows: values.json ? rows.map(readable) : withTotal(rows.map(readable)),
      json: values.json,
      none: `Nothing was received since ${first}.`,
      headings: [
        "day",
        "producer",
        "accepted",
        "stored",
        "duplicate",
        "waiting",
        "dead",
        "lag p50",
        "p99",
        "rejected requests",
      ],
      cells: (row) => [
        ...[row.day, row.producer, ...NUMBERS.map((name) => row[name])],
        ...[duration(row.lag_p50_ms), duration(row.lag_p99_ms), reasons(row.rejected)],
      ],
    });
  },
});

/** Raw SQL: the builder has no UNION of days with a join to it, and no json_group_object. */
function daysSince(first: string, producer: string | undefined) {
  const filter = sql`day >= ${first}${producer === undefined ? sql`` : sql` AND producer = ${producer}`}`;
  return sql`WITH days AS (
      SELECT day, producer FROM ingest_days WHERE ${filter} UNION SELECT day, producer FROM ingest_rejections WHERE ${filter}
    )
    SELECT days.day, days.producer, coalesce(accepted, 0) AS accepted, coalesce(stored, 0) AS stored,
      coalesce(duplicates, 0) AS duplicates, coalesce(waiting, 0) AS waiting,
      coalesce(dead, 0) - coalesce(waiting, 0) AS dead, coalesce(lag, '{}') AS lag,
      (SELECT json_group_object(reason, requests) FROM ingest_rejections AS rejections
        WHERE rejections.day = days.day AND rejections.producer = days.producer) AS rejected
    FROM days LEFT JOIN ingest_days USING (day, producer) LEFT JOIN (
      SELECT day, producer, count(*) AS waiting FROM dead_letters WHERE state IN ('replay', 'sent') GROUP BY day, producer
    ) USING (day, producer)
    ORDER BY days.day DESC, days.producer`;
}

function readable({ lag, rejected, ...row }: Row) {
  const lags = v.parse(numbers, lag);
  return {
    ...{ day: String(row.day), producer: String(row.producer) },
    ...{ accepted: Number(row.accepted), stored: Number(row.stored), duplicates: Number(row.duplicates) },
    ...{ waiting: Number(row.waiting), dead: Number(row.dead) },
    lag_p50_ms: percentile(lags, 0.5) ?? null,
    lag_p99_ms: percentile(lags, 0.99) ?? null,
    rejected: v.parse(numbers, rejected),
  };
}

type Numbers = ReturnType<typeof readable>;

/** The rows and, where there are several, one with their sums. */
function withTotal(rows: readonly Numbers[]): Numbers[] {
  if (rows.length < 2) return [...rows];
  const sum = (name: (typeof NUMBERS)[number]) => rows.reduce((total, row) => total + row[name], 0);
  const sums = {
    ...{ accepted: sum("accepted"), stored: sum("stored"), duplicates: sum("duplicates") },
    ...{ waiting: sum("waiting"), dead: sum("dead") },
  };
  return [...rows, { day: "all", producer: "all", ...sums, lag_p50_ms: null, lag_p99_ms: null, rejected: {} }];
}

function duration(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

const reasons = (rejected: Readonly<Record<string, number>>): string =>
  Object.entries(rejected)
    .map(([reason, requests]) => `${reason} ${requests}`)
    .join(", ") || "-";

export const ingestCommands = [status];
