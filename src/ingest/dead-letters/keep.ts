import { type SQL, sql } from "drizzle-orm";
import { type D1Calls, database, runBatch } from "../../db/client.ts";
import { type NewEvent, withContent } from "../../events/event.ts";
import { byteLength } from "../../values/bytes.ts";
import { digestUuid } from "../../values/digest-uuid.ts";
import { dayOf } from "../../values/periods.ts";
import { bodyKey } from "../queue/keys.ts";
import { packOne } from "../queue/message.ts";
import { MAX_DETAIL_LENGTH } from "./message.ts";

/** Bytes of a body that fit in the row; larger bodies go to R2. */
export const MAX_INLINE_BODY_BYTES = 16_384;
/** Dead letters in one D1 batch: one parameter of at most 2 MB, even when JSON writes every byte of the bodies as \u0000. */
const MAX_IN_BATCH = 18;

/** A message that was given up: one event, or a text that cannot be read. */
export interface DeadLetter {
  id: string;
  reason: string;
  detail: string;
  producer: string | null;
  uuid: string | null;
  content: string | null;
  attempts: number;
  body: string;
  /** The day (YYYY-MM-DD) of its receipt; null when it is unknown, or the event was counted before. */
  day: string | null;
}

/** The dead letter of one event. `replay`: the event was a dead letter before, and was counted then. */
export async function deadLetterOf(
  event: NewEvent,
  { reason, detail, attempts, replay }: { reason: string; detail: string; attempts: number; replay: boolean },
): Promise<DeadLetter> {
  const { uuid, content } = withContent(event);
  const id = await digestUuid(JSON.stringify([event.producer, uuid, content]));
  const body = packOne(event, true);
  return {
    id,
    reason,
    detail,
    producer: event.producer,
    uuid,
    content,
    attempts,
    body,
    day: replay ? null : dayOf(event.receivedAt),
  };
}

/** The dead letter of a message that cannot be read. */
export async function unreadableDeadLetter(body: string, cause: Pick<DeadLetter, "reason" | "detail" | "attempts">) {
  return { ...cause, id: await digestUuid(body), producer: null, uuid: null, content: null, body, day: null };
}

/** Keeps dead letters. An existing one takes the newer reason, and its deliveries are added. `now` in microseconds. */
export async function keepDeadLetters(
  { DB, SPILL }: { DB: D1Calls; SPILL: R2Bucket },
  letters: readonly DeadLetter[],
  now: number,
): Promise<void> {
  for (const letter of letters) {
    if (isLarge(letter)) await SPILL.put(bodyKey(letter.id), letter.body);
  }
  for (let start = 0; start < letters.length; start += MAX_IN_BATCH) {
    const some = letters.slice(start, start + MAX_IN_BATCH);
    const json = JSON.stringify(
      some.map((letter) => ({
        ...letter,
        detail: letter.detail.slice(0, MAX_DETAIL_LENGTH),
        body: isLarge(letter) ? null : letter.body,
      })),
    );
    await runBatch(database(DB), [countDead(json), keep(json, now)]);
  }
}

const isLarge = ({ body }: DeadLetter): boolean => byteLength(body) > MAX_INLINE_BODY_BYTES;

/** Counts each new dead letter as an accepted event that was given up. `letters`: a JSON array. */
const countDead = (letters: string): SQL => sql`INSERT INTO ingest_days (producer, day, accepted, dead)
  SELECT producer, day, count(*), count(*) FROM (
    SELECT DISTINCT value->>'id' AS id, value->>'producer' AS producer, value->>'day' AS day FROM json_each(${letters})
  ) AS letter
  WHERE day IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE dead_letters.id = letter.id)
  GROUP BY producer, day
  ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted, dead = dead + excluded.dead`;

const keep = (letters: string, now: number): SQL => sql`INSERT INTO dead_letters
    (id, reason, detail, producer, uuid, content, attempts, first_seen, last_seen, body)
  SELECT value->>'id', value->>'reason', value->>'detail', value->>'producer', value->>'uuid', value->>'content',
    value->>'attempts', ${now}, ${now}, value->>'body'
  FROM json_each(${letters})
  WHERE true
  ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail, state = 'dead',
    attempts = attempts + excluded.attempts, last_seen = excluded.last_seen`;
