import { type SQL, sql } from "drizzle-orm";
import { type NewEvent, withContent } from "../../events/event.ts";
import { settledEvents } from "../../events/write/stored.ts";
import { dayOf } from "../../values/periods.ts";
import { lagBucket } from "./lag.ts";
import { addPauses, pauseColumns, pausesBefore } from "./pauses.ts";

const MICROSECONDS_PER_MILLISECOND = 1_000;

/**
 * An event of a queue batch. `replay`: a dead letter that is sent again; it was counted as accepted and dead before. `sent`:
 * the event as the letter has it, where this one has got another uuid since.
 */
export interface Delivered {
  event: NewEvent;
  replay: boolean;
  sent?: NewEvent;
}

/**
 * The statements that count the outcomes of a batch. They run in the transaction that writes the events, after them. An
 * event that the queue delivers again is recognised by its time of receipt and not counted again; a conflict is counted
 * when it is kept as a dead letter. The event of a dead letter is dead no more, and its letter is marked as stored, once.
 * One row written for each producer and day. `now` in microseconds.
 */
export function countDelivered(delivered: readonly Delivered[], now: number): SQL[] {
  const seen = new Set<string>();
  const rows = delivered.map((item) => {
    const { uuid } = item.event;
    const first = !seen.has(uuid);
    seen.add(uuid);
    return { replay: item.replay, row: rowOf(item, first, now) };
  });
  const ofReplay = (wanted: boolean) => rows.flatMap(({ replay, row }) => (replay === wanted ? [row] : []));
  const replays = ofReplay(true);
  const news = newOutcomes(JSON.stringify(ofReplay(false)));
  const receipts = receiptsOf(delivered);
  if (replays.length === 0) return [addToDays(news, receipts)];
  const letters = settledLetters(JSON.stringify(replays));
  return [addToDays(sql`${news} UNION ALL ${replayOutcomes(letters)}`, receipts), markStored(letters)];
}

/** When each producer has sent, as JSON for `pausesBefore`. A replay says nothing about its producer. */
function receiptsOf(delivered: readonly Delivered[]): string {
  const sent = delivered.filter(({ replay }) => !replay).map(({ event }) => event);
  const rows = sent.map(({ producer, receivedAt }) => JSON.stringify([producer, dayOf(receivedAt), receivedAt]));
  return `[${[...new Set(rows)].join()}]`;
}

function rowOf({ event, sent = event }: Delivered, first: boolean, now: number): unknown[] {
  const { uuid, content } = withContent(event);
  const { producer, receivedAt } = event;
  const bucket = lagBucket((now - receivedAt) / MICROSECONDS_PER_MILLISECOND);
  const letter = withContent(sent);
  return [uuid, content, producer, receivedAt, Number(first), dayOf(receivedAt), bucket, letter.uuid, letter.content];
}

/** Rows: producer, day, bucket, and what an event adds to each number. */
const newOutcomes = (rows: string): SQL => sql`SELECT value->>2 AS producer, value->>5 AS day, value->>6 AS bucket,
    1 AS accepted, outcome = 'stored' AS stored, outcome = 'duplicate' AS duplicates, 0 AS dead
  FROM (${settledEvents(rows)})`;

/** The unsettled letters of events that are settled now. */
const settledLetters = (rows: string): SQL => sql`SELECT letters.id AS id, letters.producer AS producer,
    letters.day AS day, value->>6 AS bucket, max(outcome = 'stored') AS stored
  FROM (${settledEvents(rows, { again: true })}) CROSS JOIN dead_letters AS letters
    ON letters.uuid = value->>7 AND letters.content = value->>8 AND letters.producer = value->>2
  WHERE letters.state <> 'stored' GROUP BY letters.id`;

const replayOutcomes = (letters: SQL): SQL => sql`SELECT producer, day, bucket, 0, stored, 1 - stored, -1
  FROM (${letters}) WHERE day IS NOT NULL`;

const markStored = (letters: SQL): SQL =>
  sql`UPDATE dead_letters SET state = 'stored', day = NULL WHERE id IN (SELECT id FROM (${letters}))`;

const addToDays = (outcomes: SQL, receipts: string): SQL => sql`WITH ${pausesBefore(receipts)}, buckets AS (
    SELECT producer, day, bucket, sum(accepted) AS accepted, sum(stored) AS stored, sum(duplicates) AS duplicates,
      sum(dead) AS dead
    FROM (${outcomes}) GROUP BY 1, 2, 3
  )
  INSERT INTO ingest_days (producer, day, accepted, stored, duplicates, dead, lag, last_received, pauses)
  SELECT producer, day, sum(accepted), sum(stored), sum(duplicates), sum(dead),
    json_group_object(CAST(bucket AS TEXT), stored) FILTER (WHERE stored > 0),
    ${pauseColumns(sql`buckets.producer`, sql`buckets.day`)}
  FROM buckets WHERE true GROUP BY producer, day
  ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted, stored = stored + excluded.stored,
    duplicates = duplicates + excluded.duplicates, dead = dead + excluded.dead,
    lag = (SELECT json_group_object(key, total) FROM (SELECT key, sum(value) AS total FROM (
      SELECT key, value FROM json_each(ingest_days.lag) UNION ALL SELECT key, value FROM json_each(excluded.lag)
    ) GROUP BY key)), ${addPauses}`;
