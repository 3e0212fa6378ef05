import type { Mutant } from "./mutant.ts";

const METRICS = ["test/operations/metrics"];
const READY = ["test/operations/readiness"];
const PAUSES = ["test/ingest/statistics/pauses"];
const FAULTS = ["test/operations/faults"];

/** Bugs in what operators see. */
export const operationsMutants: readonly Mutant[] = [
  {
    bug: "Anybody with a token of a user may scrape.",
    file: "src/operations/routes.ts",
    search: 'if (!c.get("actor").isStaff) throw',
    replace: 'if (c.get("actor") === undefined) throw',
    tests: METRICS,
  },
  {
    bug: "An empty METRICS_TOKEN opens the metrics.",
    file: "src/operations/routes.ts",
    search: "token.length < MIN_TOKEN_LENGTH",
    replace: "token.length < 5",
    tests: METRICS,
  },
  {
    bug: "A database that is away is an error.",
    file: "src/operations/facts.ts",
    search: 'answerOf("database", readDatabase(env.DB))',
    replace: "readDatabase(env.DB)",
    tests: METRICS,
  },
  {
    bug: "The counters forget the days before yesterday.",
    file: "src/operations/numbers.ts",
    search: "totals: added(earlier.sums, sumsIn(summed)),",
    replace: "totals: sumsIn(summed),",
    tests: METRICS,
  },
  {
    bug: "The counters count a day twice when the next one begins.",
    file: "src/operations/numbers.ts",
    search: "...(known === undefined ? sumsOf({ before: day }) : []),",
    replace: "...(known === undefined ? sumsOf({ before: dayOf(now) }) : []),",
    tests: METRICS,
  },
  {
    bug: "A quotation mark in the name of a producer breaks the scrape.",
    file: "src/operations/exposition.ts",
    search: `.replaceAll('"', '\\\\"')`,
    replace: "",
    tests: METRICS,
  },
  {
    bug: "The producers that are told are those that are not silent.",
    file: "src/operations/numbers.ts",
    search: "unusual(b) - unusual(a)",
    replace: "unusual(a) - unusual(b)",
    tests: METRICS,
  },
  {
    bug: "Silence goes on while the queue stands still.",
    file: "src/operations/numbers.ts",
    search: "producers, Number(state?.complete_through ?? 0)",
    replace: "producers, now",
    tests: FAULTS,
  },
  {
    bug: "A delivery that comes again adds pauses.",
    file: "src/ingest/statistics/pauses.ts",
    search: "received - max(last, lag(received, 1, 0)",
    replace: "received - max(0, lag(received, 1, last)",
    tests: PAUSES,
  },
  {
    bug: "The first event of a day does not end a pause.",
    file: "src/ingest/statistics/pauses.ts",
    search: "SELECT max(last_received) FROM ingest_days AS earlier",
    replace: "SELECT nullif(max(last_received), max(last_received)) FROM ingest_days AS earlier",
    tests: PAUSES,
  },
  {
    bug: "A server whose cron job has stopped is ready.",
    file: "src/operations/readiness.ts",
    search: "now - database.countedAt / 1_000 > LATE_MS.cron",
    replace: "database.countedAt === 0",
    tests: READY,
  },
  {
    bug: "Every question about readiness is asked of the database.",
    file: "src/operations/readiness.ts",
    search: "if (last !== undefined && isFresh) return last;",
    replace: "if (last !== undefined && isFresh && now < 0) return last;",
    tests: READY,
  },
];
