import { type SQL, sql } from "drizzle-orm";
import { type NewEvent, withContent } from "../../events/event.ts";
import { settledEvents } from "../../events/write/stored.ts";
import { dayOf } from "../../values/periods.ts";
import { lagBucket } from "./lag.ts";

const MICROSECONDS_PER_MILLISECOND = 1_000;

/** An event of a queue batch. `replay`: a dead letter that is sent again; it was counted as accepted before. */
export interface Delivered {
  event: NewEvent;
  replay: boolean;
}

/**
 * The statement that counts the outcomes of a batch. It runs in the transaction that writes the events, after them. An
 * event that the queue delivers again is recognised by its time of receipt and not counted again; a conflict is counted
 * when it is kept as a dead letter. One row written for each producer and day. `now` in microseconds.
 */
export function countDelivered(delivered: readonly Delivered[], now: number): SQL {
  const seen = new Set<string>();
  const rows = delivered.map(({ event, replay }) => {
    const { uuid, content } = withContent(event);
    const { producer, receivedAt } = event;
    const first = !seen.has(uuid);
    seen.add(uuid);
    const bucket = lagBucket((now - receivedAt) / MICROSECONDS_PER_MILLISECOND);
    return [uuid, content, producer, receivedAt, Number(first), dayOf(receivedAt), bucket, Number(!replay)];
  });
  return sql`WITH buckets AS (
      SELECT value->>2 AS producer, value->>5 AS day, value->>6 AS bucket, sum(value->>7) AS accepted,
        sum(outcome = 'stored') AS stored, sum(outcome = 'duplicate') AS duplicates
      FROM (${settledEvents(JSON.stringify(rows))}) GROUP BY 1, 2, 3
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
