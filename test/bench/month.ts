/** What Cloudflare meters, and bills by the month. */
export interface Use {
  requests: number;
  cpuMilliseconds: number;
  rowsRead: number;
  rowsWritten: number;
  databaseGigabytes: number;
  queueOperations: number;
  /** Puts and lists of R2. */
  bucketWrites: number;
  /** Gets and heads of R2. */
  bucketReads: number;
}

/** Dollars, beyond what is included. */
export const PRICES: Use = {
  /** https://developers.cloudflare.com/workers/platform/pricing/ : a cron job and a batch of a queue are requests, too. */
  requests: 0.3 / 1e6,
  cpuMilliseconds: 0.02 / 1e6,
  /** https://developers.cloudflare.com/d1/platform/pricing/ */
  rowsRead: 0.001 / 1e6,
  rowsWritten: 1 / 1e6,
  databaseGigabytes: 0.75,
  /** https://developers.cloudflare.com/queues/platform/pricing/ : a message of up to 64 KB is written, read and deleted. */
  queueOperations: 0.4 / 1e6,
  /** https://developers.cloudflare.com/r2/pricing/ */
  bucketWrites: 4.5 / 1e6,
  bucketReads: 0.36 / 1e6,
};

/** What the Workers paid plan includes in a month, on the same pages, and its fee in dollars. */
export const INCLUDED: Use = {
  requests: 10e6,
  cpuMilliseconds: 30e6,
  rowsRead: 25e9,
  rowsWritten: 50e6,
  databaseGigabytes: 5,
  queueOperations: 1e6,
  bucketWrites: 1e6,
  bucketReads: 10e6,
};
export const FEE = 5;

/** The reference month: what is written and read in it. */
export const MONTH = { eventsWritten: 1_000_000, oneByOne: 0.3, perRequest: 50, requestsRead: 10_000_000 };

/** How many different searches the month's 500,000 are: each is counted in full once, then its total is kept. */
const DIFFERENT_SEARCHES = 1_000;

/**
 * CPU milliseconds of our code, rounded up. An event is a measurement (0.11 in the consumer); a request is an upper bound:
 * the local server answers more than 1,000 a second for each core, with its database.
 */
const CPU = { request: 1, event: 0.15, cron: 5 };

/**
 * Runs of the cron job, one a minute; each lists two prefixes in R2, reads the dead letters to be replayed, and counts what
 * /metrics tells into one row, for a few producers (test/operations/metrics.test.ts).
 */
const CRON = { runs: 30 * 24 * 60, lists: 2, rowsRead: 49, rowsWritten: 1 };
const OPERATIONS_OF_A_MESSAGE = 3;

/** What a benchmark measures of a database with so many events. */
export interface Figures {
  stored: number;
  bytesPerEvent: number;
  /** Rows that a request reads, by kind, and the share of the kind. */
  reads: readonly { name: string; share: number; rows: number }[];
  /** Rows that a search reads more the first time. */
  firstSearch: number;
  /** Rows written for an event, in consumer batches of one and of fifty. */
  rowsWritten: { one: number; fifty: number };
}

export interface Bill {
  stored: number;
  /** Dollars for the use alone: what one more such month costs an account that has used what is included. */
  total: number;
  by_line: Record<string, number>;
  /** Dollars on the invoice of an account that has nothing else: the fee, and what is beyond the included amounts. */
  invoice: number;
}

/** The reference month. Events sent one by one are written in consumer batches of one, the others of fifty. */
export function bill(figures: Figures): Bill {
  const lines = linesOf(figures);
  const byLine = lines.map(([name, use]): [string, number] => [name, dollarsOf(use)]);
  return {
    stored: figures.stored,
    total: byLine.reduce((sum, [, price]) => sum + price, 0),
    by_line: Object.fromEntries(byLine),
    invoice: FEE + dollarsOf(beyondIncluded(lines.map(([, use]) => use))),
  };
}

function linesOf({ stored, bytesPerEvent, reads, firstSearch, rowsWritten }: Figures): [string, Partial<Use>][] {
  const { eventsWritten: events, oneByOne, perRequest, requestsRead } = MONTH;
  const sent = events * (oneByOne + (1 - oneByOne) / perRequest);
  const written = events * (oneByOne * rowsWritten.one + (1 - oneByOne) * rowsWritten.fifty);
  return [
    ...reads.map(({ name, share, rows }): [string, Partial<Use>] => [
      `read: ${name}`,
      { rowsRead: rows * share * requestsRead },
    ]),
    [
      "read: searches for the first time",
      { rowsRead: DIFFERENT_SEARCHES * firstSearch, rowsWritten: DIFFERENT_SEARCHES },
    ],
    ["read: Worker requests", { requests: requestsRead }],
    ["read: CPU", { cpuMilliseconds: requestsRead * CPU.request }],
    ["write: rows", { rowsWritten: written }],
    // A batch has one message at least.
    ["write: Worker requests, batches of the queue", { requests: 2 * sent }],
    ["write: CPU", { cpuMilliseconds: sent * CPU.request + events * CPU.event }],
    ["write: queue", { queueOperations: OPERATIONS_OF_A_MESSAGE * sent }],
    ["cron: Worker requests, CPU, rows", cron()],
    ["cron: lists of R2", { bucketWrites: CRON.runs * CRON.lists }],
    ["storage", { databaseGigabytes: (stored * bytesPerEvent) / 1e9 }],
  ];
}

const cron = (): Partial<Use> => ({
  requests: CRON.runs,
  cpuMilliseconds: CRON.runs * CPU.cron,
  rowsRead: CRON.runs * CRON.rowsRead,
  rowsWritten: CRON.runs * CRON.rowsWritten,
});

const METERS = Object.keys(PRICES) as (keyof Use)[];

const dollarsOf = (use: Partial<Use>): number =>
  METERS.reduce((sum, meter) => sum + (use[meter] ?? 0) * PRICES[meter], 0);

function beyondIncluded(uses: readonly Partial<Use>[]): Partial<Use> {
  const used = (meter: keyof Use) => uses.reduce((sum, use) => sum + (use[meter] ?? 0), 0);
  return Object.fromEntries(METERS.map((meter) => [meter, Math.max(0, used(meter) - INCLUDED[meter])]));
}

/**
 * The figures with ten times as many events stored: not measured. Each kind of request reads as much more as it did from a
 * tenth of the events; a search counts ten times as many matches the first time.
 */
export function tenfold(figures: Figures, growth: Readonly<Record<string, number>>): Figures {
  const reads = figures.reads.map((line) => ({ ...line, rows: line.rows * Math.max(1, growth[line.name] ?? 1) }));
  return { ...figures, stored: figures.stored * 10, reads, firstSearch: figures.firstSearch * 10 };
}
