import { type SQL, sql } from "drizzle-orm";
import { type NewEvent, withContent } from "../../events/event.ts";
import { storedContent } from "../../events/write/identity.ts";
import { dayOf } from "../../values/periods.ts";
import { lagBucket } from "./lag.ts";

const MICROSECONDS_PER_MILLISECOND = 1_000;

/** An event of a queue batch; `replay`: it was counted as accepted when it died. */
export interface Delivered {
  event: NewEvent;
  replay: boolean;
}

/**
 * Counts what became of the events of a batch, in the transaction that writes them and after they are written. What the
 * queue delivers again is known by its time of receipt and not counted again; conflicts count when they are kept as dead
 * letters. One row for each producer and day. `now` in microseconds.
 */
export function countDelivered(delivered: readonly Delivered[], now: number): SQL {
  const seen = new Set<string>();
  const rows = delivered.map(({ event, replay }) => {
    const { uuid, content } = withContent(event);
    const { producer, receivedAt } = event;
    const first = !seen.has(uuid);
    seen.add(uuid);
    const bucket = lagBucket((now - receivedAt) / MICROSECONDS_PER_MILLISECOND);
    return [uuid, content, producer, dayOf(receivedAt), receivedAt, bucket, Number(first), Number(!replay)];
  });
  return sql`WITH settled AS (
      SELECT incoming.value->>2 AS producer, incoming.value->>3 AS day, incoming.value->>5 AS bucket,
        incoming.value->>7 AS accepted,
        CASE WHEN events.id > last_id AND incoming.value->>6 = 1 THEN 'stored' ELSE 'duplicate' END AS outcome
      FROM json_each(${JSON.stringify(rows)}) AS incoming CROSS JOIN commit_watermark
        LEFT JOIN events ON events.uuid = incoming.value->>0
      WHERE events.id IS NULL
        OR (coalesce(${storedContent}, incoming.value->>1) = incoming.value->>1
          AND (events.id > last_id OR events.received_at <> incoming.value->>4 OR events.producer <> incoming.value->>2))
    ), buckets AS (
      SELECT producer, day, bucket, sum(accepted) AS accepted, sum(outcome = 'stored') AS stored,
        sum(outcome = 'duplicate') AS duplicates
      FROM settled GROUP BY producer, day, bucket
    )
    INSERT INTO ingest_days (producer, day, accepted, stored, duplicates, lag)
    SELECT producer, day, sum(accepted), sum(stored), sum(duplicates),
      json_group_object(CAST(bucket AS TEXT), stored) FILTER (WHERE stored > 0)
    FROM buckets WHERE true GROUP BY producer, day
    ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted, stored = stored + excluded.stored,
      duplicates = duplicates + excluded.duplicates,
      lag = (SELECT json_group_object(key, total) FROM (SELECT key, sum(value) AS total FROM (
        SELECT key, value FROM json_each(ingest_days.lag) UNION ALL SELECT key, value FROM json_each(excluded.lag)
      ) GROUP BY key))`;
}
