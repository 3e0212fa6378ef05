import type { Feed, Latency } from "./feed.ts";
import type { Census } from "./load.ts";
import { type Bill, bill, type Figures, tenfold } from "./month.ts";
import type { Sample } from "./reads.ts";
import type { Speed } from "./speed.ts";
import type { Storage } from "./storage.ts";
import { workload } from "./workload.ts";
import type { Writes } from "./writes.ts";

export interface Spread {
  requests: number;
  mean: number;
  median: number;
  p95: number;
  worst: number;
  worst_request: string;
}

/** What was read, over the mix: each sample counts as often as its line is asked. */
export interface ReadReport extends Spread {
  worst_outside_search: number;
  worst_outside_search_request: string;
  by_line: Record<string, Spread>;
  /** Means of the second playing: totals of searches are kept by then. */
  warm_means: Record<string, number>;
  /** Rows that a search reads more the first time, on average. */
  first_search: number;
  worst_not_modified: number;
  trips_per_request: { all: number; warm: number };
}

export function readReport(samples: readonly Sample[], census: Census): ReadReport {
  const lines = workload(census).filter(({ name }) => samples.some(({ line }) => line === name));
  const weights = new Map(
    lines.map(({ name, share }) => [name, share / samples.filter(({ line }) => line === name).length]),
  );
  const outside = samples.filter(({ line, path }) => line !== "message search" && !path.includes("message="));
  const worst = spread(outside, weights);
  const meanOf = (name: string, isWarm: boolean) =>
    weighted(
      samples.filter(({ line, warm }) => line === name && warm === isWarm),
      weights,
      ({ rowsRead }) => rowsRead,
    );
  const trips = (some: readonly Sample[]) => weighted(some, weights, ({ trips }) => trips);
  return {
    ...spread(samples, weights),
    worst_outside_search: worst.worst,
    worst_outside_search_request: worst.worst_request,
    by_line: Object.fromEntries(
      lines.map(({ name }) => [
        name,
        spread(
          samples.filter(({ line }) => line === name),
          weights,
        ),
      ]),
    ),
    warm_means: Object.fromEntries(lines.map(({ name }) => [name, meanOf(name, true)])),
    first_search: meanOf("message search", false) - meanOf("message search", true),
    worst_not_modified: Math.max(0, ...samples.filter(({ status }) => status === 304).map(({ rowsRead }) => rowsRead)),
    trips_per_request: { all: trips(samples), warm: trips(samples.filter(({ warm }) => warm)) },
  };
}

function spread(samples: readonly Sample[], weights: ReadonlyMap<string, number>): Spread {
  const sorted = [...samples].sort((a, b) => a.rowsRead - b.rowsRead);
  const worst = sorted.at(-1);
  return {
    requests: samples.length,
    mean: weighted(samples, weights, ({ rowsRead }) => rowsRead),
    median: quantile(sorted, weights, 0.5),
    p95: quantile(sorted, weights, 0.95),
    worst: worst?.rowsRead ?? 0,
    worst_request: worst ? `${worst.line}: ${decodeURIComponent(worst.path)}` : "",
  };
}

const weightOf = (sample: Sample, weights: ReadonlyMap<string, number>) => weights.get(sample.line) ?? 0;

function weighted(
  samples: readonly Sample[],
  weights: ReadonlyMap<string, number>,
  value: (sample: Sample) => number,
): number {
  const total = samples.reduce((sum, sample) => sum + weightOf(sample, weights), 0);
  return samples.reduce((sum, sample) => sum + value(sample) * weightOf(sample, weights), 0) / (total || 1);
}

function quantile(sorted: readonly Sample[], weights: ReadonlyMap<string, number>, part: number): number {
  let left = part * sorted.reduce((sum, sample) => sum + weightOf(sample, weights), 0);
  for (const sample of sorted) {
    left -= weightOf(sample, weights);
    if (left <= 0) return sample.rowsRead;
  }
  return 0;
}

/** The reference month, with the events that are stored and with ten times as many. `earlier`: a tenth of the events. */
export function dollars(
  reads: ReadReport,
  { writes, storage, census, earlier }: { writes: Writes; storage: Storage; census: Census; earlier?: ReadReport },
): Bill[] {
  const { batch_1: one = 0, batch_50: fifty = 0 } = writes.rowsWrittenPerEvent;
  const lines = workload(census).map(({ name, share }) => ({ name, share, rows: reads.warm_means[name] ?? 0 }));
  const { bytesPerEvent } = storage;
  const rest = { stored: census.events, firstSearch: reads.first_search, rowsWritten: { one, fifty } };
  const figures: Figures = { ...rest, bytesPerEvent, reads: lines };
  const growth = lines.map(({ name, rows }) => [name, rows / (earlier?.warm_means[name] || rows)]);
  return [bill(figures), bill(tenfold(figures, Object.fromEntries(growth)))];
}

/** The report as tables for a terminal. */
export function print(report: Report): void {
  const { reads, growth } = report;
  console.log(`\n${report.events.toLocaleString("en")} events, seed ${report.seed}\n`);
  const rows = Object.entries({ ...reads.by_line, "the mix": reads as Spread });
  table(
    ["rows read", "requests", "mean", "median", "p95", "worst"],
    rows.map(([name, s]) => [name, s.requests, s.mean, s.median, s.p95, s.worst]),
  );
  const speed =
    report.speed &&
    `${round(report.speed.ours)}, bare ${round(report.speed.bare)} (in a session ${round(report.speed.bareSession)})`;
  table(
    ["figure", "value", "bound"],
    [
      ["rows read, median over the mix", reads.median, "≤ 100"],
      ["rows read, worst outside message search", reads.worst_outside_search, "≤ 5,000"],
      ["rows read, worst 304", reads.worst_not_modified, "≤ 20"],
      ["rows read, worst crawl page of 100", reads.by_line["crawl by next"]?.worst ?? "-", "≤ 300"],
      ["growth of the median from a tenth of the events", growth?.median ?? "-", "≤ 1.3"],
      ["growth of the worst from a tenth of the events", growth?.worst ?? "-", "≤ 3"],
      [
        "trips a request, all / warm",
        `${reads.trips_per_request.all.toFixed(3)} / ${reads.trips_per_request.warm.toFixed(3)}`,
        "1",
      ],
      ...Object.entries(report.writes?.rowsWrittenPerEvent ?? {}).map(([batch, value]) => [
        `rows written an event, ${batch}`,
        value,
        batch === "batch_100" ? "≤ 9" : "",
      ]),
      ["bytes stored an event", report.storage.bytesPerEvent, "≤ 1,900"],
      ["ingest, events/s", report.writes?.ingestEventsPerSecond ?? "-", "≥ 4,000"],
      ["requests/s, list page 1", speed ?? "-", "≥ 0.75 of bare"],
      [
        "four pages of 20 MB at once, MB of heap",
        report.heapBytes === undefined ? "-" : report.heapBytes / 1e6,
        "≤ 40",
      ],
      ["the reference month, marginal, $", report.dollars?.[0]?.total.toFixed(2) ?? "-", "≤ 20"],
      ["bundle, KiB gzip", report.bundleBytes / 1024, ""],
    ],
  );
  if (report.speed) printPaths(report.speed);
  if (report.feed) printFeed(report.feed);
  if (report.dollars) printBills(report.dollars);
  table(["stored in", "bytes an event"], report.storage.byName.slice(0, 12));
  console.log(`worst: ${reads.worst_request}\nworst outside search: ${reads.worst_outside_search_request}`);
}

/** One column for each number of stored events. */
function printBills(bills: readonly Bill[]): void {
  const row = (name: string, price: (bill: Bill) => number | undefined) => [
    name,
    ...bills.map((one) => (price(one) ?? 0).toFixed(2)),
  ];
  table(
    ["reference month, $, with events stored", ...bills.map(({ stored }) => stored.toLocaleString("en"))],
    [
      ...Object.keys(bills[0]?.by_line ?? {}).map((name) => row(name, ({ by_line: lines }) => lines[name])),
      row("the price of this use (marginal)", ({ total }) => total),
      row("the invoice: fee, and what is beyond the included amounts", ({ invoice }) => invoice),
    ],
  );
}

function printPaths({ paths, bare }: Speed): void {
  table(
    ["requests", "a second", "of bare", "p50, ms", "p99, ms"],
    Object.entries(paths).map(([name, { perSecond, p50, p99 }]) => [name, perSecond, perSecond / bare, p50, p99]),
  );
}

function printFeed({ catchUpPerSecond, byNumberPerSecond, rowsPerEvent, idleRows, longPoll, sse }: Feed): void {
  const times = ({ p50, p99 }: Latency) => `${round(p50)} / ${round(p99)}`;
  table(
    ["feed", "value", "bound"],
    [
      ["catch-up, events/s of one reader", catchUpPerSecond, "≥ 10,000"],
      ["the same by page numbers, events/s", byNumberPerSecond, "≤ a tenth of it"],
      ["rows read an event", rowsPerEvent, "≤ 1.2"],
      ["rows read by a look at the end", idleRows, "≤ 2"],
      ["commit to long poll, ms, p50 / p99", times(longPoll), "≤ 500"],
      ["commit to SSE, ms, p50 / p99", times(sse), "≤ 500"],
    ],
  );
}

export interface Report {
  feed: Feed | undefined;
  events: number;
  seed: number;
  reads: ReadReport;
  growth: { median: number; worst: number } | undefined;
  writes: Writes | undefined;
  storage: Storage;
  speed: Speed | undefined;
  heapBytes: number | undefined;
  dollars: Bill[] | undefined;
  bundleBytes: number;
}

const round = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });

function table(head: string[], rows: (string | number)[][]): void {
  const texts = [head, ...rows.map((row) => row.map((cell) => (typeof cell === "number" ? round(cell) : cell)))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => (row[column] ?? "").length)));
  for (const row of texts) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    );
  }
  console.log("");
}
