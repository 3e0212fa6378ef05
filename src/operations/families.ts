import { DATABASE_LIMIT_BYTES, fullAt } from "./database-size.ts";
import type { DatabaseFacts, Facts } from "./facts.ts";
import type { Numbers } from "./numbers.ts";
import { VERSION } from "./version.ts";

/** One value, with what tells it from others of its family. */
export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

/**
 * A family of metrics. `name`: as it is in a query, so that of a counter ends in `_total`. `samples`: what is known of it;
 * none where a part of the platform does not answer. Labels have few values.
 */
export interface Family {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: (facts: Facts) => readonly Sample[];
}

const one = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }]);
const flag = (value: unknown): number => Number(value !== undefined);

/** Seconds from a time in milliseconds until now; not less than 0, as clocks differ. */
const age = ({ now }: Facts, then: number): number => Math.max(0, (now - then) / 1_000);

/** The same from a time in microseconds, of which 0 is unknown: an age without an end, which every alert takes for late. */
const ageOf = (facts: Facts, microseconds: number): number =>
  microseconds === 0 ? Number.POSITIVE_INFINITY : age(facts, microseconds / 1_000);

const ofDatabase =
  (value: (database: DatabaseFacts, facts: Facts) => number | undefined): Family["samples"] =>
  (facts) =>
    facts.database === undefined ? [] : one(value(facts.database, facts));

const ofNumbers =
  (samples: (numbers: Numbers, facts: Facts) => readonly Sample[]): Family["samples"] =>
  (facts) =>
    facts.database?.numbers === undefined ? [] : samples(facts.database.numbers, facts);

const byQueue =
  (value: (queue: Facts["queues"]["ingest"], facts: Facts) => number | undefined): Family["samples"] =>
  (facts) =>
    Object.entries(facts.queues).flatMap(([queue, known]) =>
      one(value(known, facts)).map((sample) => ({ ...sample, labels: { queue } })),
    );

const ofPlaces =
  (value: (place: { objects: number; oldest: number | undefined }, facts: Facts) => number): Family["samples"] =>
  (facts) =>
    Object.entries(facts.store?.places ?? {}).map(([place, known]) => ({
      labels: { place },
      value: value(known, facts),
    }));

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

/** What has come in, and where it waits. */
const ingest: readonly Family[] = [
  {
    name: "edge_events_accepted_total",
    type: "counter",
    help: "Events that were answered with 202 and then stored, found to be duplicates, or kept as dead letters.",
    samples: ofNumbers(({ totals }) => one(totals.accepted)),
  },
  {
    name: "edge_events_stored_total",
    type: "counter",
    help: "Accepted events that became new events of the log.",
    samples: ofNumbers(({ totals }) => one(totals.stored)),
  },
  {
    name: "edge_events_duplicates_total",
    type: "counter",
    help: "Accepted events that were in the log before.",
    samples: ofNumbers(({ totals }) => one(totals.duplicates)),
  },
  {
    name: "edge_events_rejected_requests_total",
    type: "counter",
    help: "Requests of known producers that were refused, by reason; error and unavailable are our own failures.",
    samples: ofNumbers(({ totals }) =>
      Object.entries({ error: 0, unavailable: 0, ...totals.rejected }).map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
    ),
  },
  {
    name: "edge_events_dead_letters",
    type: "gauge",
    help: "Dead letters that wait for an operator (dead) or are being replayed (replay, sent); counted up to 10,000.",
    samples: ofNumbers(({ letters }) =>
      Object.entries(letters).map(([state, { letters: value }]) => ({ labels: { state }, value })),
    ),
  },
  {
    name: "edge_events_dead_letters_oldest_age_seconds",
    type: "gauge",
    help: "Seconds since the oldest dead letter that waits for an operator failed last; 0 without any.",
    samples: ofNumbers(({ letters }, facts) => one(letters.dead?.oldest ? ageOf(facts, letters.dead.oldest) : 0)),
  },
  {
    name: "edge_events_queue_messages",
    type: "gauge",
    help: "Messages in a queue that are not acknowledged.",
    samples: byQueue((queue) => queue?.messages),
  },
  {
    name: "edge_events_queue_oldest_message_age_seconds",
    type: "gauge",
    help: "Age of the oldest message in a queue; 0 for an empty one.",
    samples: byQueue((queue, facts) => queue && (queue.oldest === undefined ? 0 : age(facts, queue.oldest))),
  },
  {
    name: "edge_events_spilled_objects",
    type: "gauge",
    help: "Objects in R2 with messages that wait for a queue, or for an operator (unreadable); counted up to 1,000.",
    samples: ofPlaces(({ objects }) => objects),
  },
  {
    name: "edge_events_spilled_oldest_age_seconds",
    type: "gauge",
    help: "Age of the oldest of these objects; 0 without any.",
    samples: ofPlaces(({ oldest }, facts) => (oldest === undefined ? 0 : age(facts, oldest))),
  },
];

/** How far the log is complete, and who is silent. */
const completeness: readonly Family[] = [
  {
    name: "edge_events_watermark_age_seconds",
    type: "gauge",
    help: "Everything that was accepted this many seconds ago is in the log or a dead letter; +Inf while that is unknown.",
    samples: ofDatabase(({ completeThrough }, facts) => ageOf(facts, completeThrough)),
  },
  {
    name: "edge_events_watermark_held",
    type: "gauge",
    help: "1 for the reason why the watermark stands still, as in GET /api/events/feed/status/.",
    samples: ({ store }) =>
      store === undefined
        ? []
        : ["spilled", "dead", "retried", "queue", "unknown"].map((reason) => ({
            labels: { reason },
            value: Number(store.hold?.reason === reason),
          })),
  },
  {
    name: "edge_events_producers",
    type: "gauge",
    help: "Producers that have sent events in the last 15 days and are not disabled; the next two families have up to 50.",
    samples: ofNumbers(({ producers }) => one(producers)),
  },
  {
    name: "edge_events_producer_silence_seconds",
    type: "gauge",
    help: "Seconds from the last event of a producer to the watermark: time in which it certainly sent nothing.",
    samples: ofNumbers(({ silent }) =>
      silent.map(({ name, silence }) => ({ labels: { producer: name }, value: silence })),
    ),
  },
  {
    name: "edge_events_producer_usual_gap_seconds",
    type: "gauge",
    help: "95 % of the last 15 days lay in pauses of the producer that were no longer.",
    samples: ofNumbers(({ silent }) =>
      silent.flatMap(({ name, gap }) => (gap === null ? [] : [{ labels: { producer: name }, value: gap }])),
    ),
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
