import { age, ageOf, byQueue, type Family, ofDatabase, ofNumbers, ofPlaces, one } from "./family.ts";

/** What has come in, and where it waits. */
export const ingest: readonly Family[] = [
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
export const completeness: readonly Family[] = [
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
