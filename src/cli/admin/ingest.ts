import { parseArgs } from "node:util";
import * as v from "valibot";
import { percentile } from "../../ingest/statistics/lag.ts";
import { literal, query, type Row } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { COMMON_OPTIONS, type Command, JSON_OPTION, targetOf } from "./command.ts";
import { table } from "./table.ts";

const DEFAULT_DAYS = 7;
const DAY_MS = 86_400_000;

const histogram = v.record(v.string(), v.number());

export const ingestCommands: readonly Command[] = [
  {
    name: "ingest status",
    options: "[--days N] [--producer NAME] [--json] [--remote]",
    help: `What became of the events of each producer, by the day (UTC) they were received; ${DEFAULT_DAYS} days unless told
otherwise. An event counts as accepted when it is stored, known already, or dead: what waits in the queue is not counted yet.
Lag: from received to stored, half and 99 % of the events, at most a fifth too high.`,
    run: status,
  },
];

async function status(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      ...JSON_OPTION,
      days: { type: "string", default: String(DEFAULT_DAYS) },
      producer: { type: "string" },
    },
  });
  if (!/^\d{1,4}$/.test(values.days)) throw new Failure("--days must be a whole number.", WRONG_USAGE);
  const first = new Date(Date.now() - (Number(values.days) - 1) * DAY_MS).toISOString().slice(0, 10);
  const rows = (await query(targetOf(values), statement(first, values.producer))).map(readable);
  if (values.json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) return console.log(`Nothing was received since ${first}.`);
  const lines = rows.map(({ day, producer, accepted, stored, duplicates, dead, lag_p50_ms, lag_p99_ms, rejected }) => [
    ...[day, producer, accepted, stored, duplicates, dead, duration(lag_p50_ms), duration(lag_p99_ms)],
    Object.entries(rejected)
      .map(([reason, requests]) => `${reason} ${requests}`)
      .join(", ") || "-",
  ]);
  const headings = [
    "day",
    "producer",
    "accepted",
    "stored",
    "duplicate",
    "dead",
    "lag p50",
    "p99",
    "rejected requests",
  ];
  console.log(table(headings, lines));
}

function statement(first: string, producer: string | undefined): string {
  const where = `day >= ${literal(first)}${producer === undefined ? "" : ` AND producer = ${literal(producer)}`}`;
  return `WITH days AS (
      SELECT day, producer FROM ingest_days WHERE ${where} UNION SELECT day, producer FROM ingest_rejections WHERE ${where}
    )
    SELECT days.day, days.producer, coalesce(accepted, 0) AS accepted, coalesce(stored, 0) AS stored,
      coalesce(duplicates, 0) AS duplicates, coalesce(dead, 0) AS dead, coalesce(lag, '{}') AS lag,
      (SELECT json_group_object(reason, requests) FROM ingest_rejections AS refused
        WHERE refused.day = days.day AND refused.producer = days.producer) AS rejected
    FROM days LEFT JOIN ingest_days USING (day, producer) ORDER BY days.day DESC, days.producer;`;
}

function readable({ lag, rejected, ...row }: Row) {
  const lags = v.parse(histogram, JSON.parse(String(lag)));
  return {
    ...{ day: row.day, producer: row.producer, accepted: row.accepted, stored: row.stored },
    ...{ duplicates: row.duplicates, dead: row.dead },
    lag_p50_ms: percentile(lags, 0.5) ?? null,
    lag_p99_ms: percentile(lags, 0.99) ?? null,
    rejected: v.parse(histogram, JSON.parse(String(rejected))),
  };
}

function duration(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
