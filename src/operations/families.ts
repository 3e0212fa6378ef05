import { DATABASE_LIMIT_BYTES, fullAt } from "./database-size.ts";
import type { Facts } from "./facts.ts";
import { ageOf, byQueue, type Family, flag, ofDatabase, ofNumbers, one } from "./family.ts";
import { completeness, ingest } from "./ingest-families.ts";
import { VERSION } from "./version.ts";

/** Whether the parts of the platform answer. */
const parts: readonly Family[] = [
  {
    name: "edge_events_database_up",
    type: "gauge",
    help: "1 when the database answers a scrape, else 0.",
    samples: ({ database }) => one(flag(database)),
  },
  {
    name: "edge_events_object_store_up",
    type: "gauge",
    help: "1 when the R2 bucket answers a scrape, else 0.",
    samples: ({ store }) => one(flag(store)),
  },
  {
    name: "edge_events_queue_up",
    type: "gauge",
    help: "1 when a queue tells its metrics, else 0.",
    samples: byQueue(flag),
  },
];

/** The log and its database. */
const storage: readonly Family[] = [
  {
    name: "edge_events_log_events",
    type: "gauge",
    help: "Events in the log.",
    samples: ofNumbers(({ events }) => one(events)),
  },
  {
    name: "edge_events_log_entries_total",
    type: "counter",
    help: "Entries of the log: events, changes and deletions. Begins anew after a restore.",
    samples: ofDatabase(({ end }) => end),
  },
  {
    name: "edge_events_log_incarnation_timestamp_seconds",
    type: "gauge",
    help: "When this incarnation of the log began: at the first migration, or after the last restore.",
    samples: ofDatabase(({ incarnation }) => incarnation / 1_000),
  },
  {
    name: "edge_events_database_size_bytes",
    type: "gauge",
    help: "Size of the database.",
    samples: ofDatabase(({ bytes }) => bytes),
  },
  {
    name: "edge_events_database_limit_bytes",
    type: "gauge",
    help: "The size that a database of D1 may have.",
    samples: () => one(DATABASE_LIMIT_BYTES),
  },
  {
    name: "edge_events_database_full_timestamp_seconds",
    type: "gauge",
    help: "When the database will be full at this week's rate; absent on its first day and while it does not grow.",
    samples: ofDatabase(({ bytes, numbers }, { now }) => fullAt(numbers?.sizes ?? [], bytes, now)),
  },
];

/** The service itself. */
const service: readonly Family[] = [
  {
    name: "edge_events_cron_age_seconds",
    type: "gauge",
    help: "Seconds since the cron job wrote its numbers; +Inf when it never did.",
    samples: ofDatabase(({ countedAt }, facts) => ageOf(facts, countedAt)),
  },
  {
    name: "edge_events_clock_skew_seconds",
    type: "gauge",
    help: "How far the latest time that another clock has written is ahead of the clock of this scrape.",
    samples: (facts) => one(skewOf(facts)),
  },
  {
    name: "edge_events_build_info",
    type: "gauge",
    help: "1, with the version and the deployment of the Worker.",
    samples: ({ deployment }) => [{ labels: { version: VERSION, deployment }, value: 1 }],
  },
];

/** In seconds. Queues, the cron job and those who accept and deliver have clocks of their own. */
function skewOf({ now, database, queues }: Facts): number {
  const times = [
    ...Object.values(queues).map((queue) => queue?.oldest ?? 0),
    ...[database?.completeThrough, database?.countedAt, database?.numbers?.newest].map((time) =>
      Math.floor((time ?? 0) / 1_000),
    ),
  ];
  return Math.max(0, ...times.map((time) => time - now)) / 1_000;
}

/** Every family, in the order of a scrape. */
export const FAMILIES: readonly Family[] = [...parts, ...ingest, ...completeness, ...storage, ...service];
