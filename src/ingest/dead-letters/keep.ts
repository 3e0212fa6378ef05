import { type SQL, sql } from "drizzle-orm";
import { database, runBatch } from "../../db/client.ts";
import type { Env } from "../../env.ts";
import { type NewEvent, withContent } from "../../events/event.ts";
import { byteLength } from "../../values/bytes.ts";
import { dayOf } from "../../values/periods.ts";
import { digestUuid } from "../identity.ts";
import { bodyKey } from "../queue/keys.ts";
import { packOne } from "../queue/message.ts";
import { MAX_DETAIL_LENGTH } from "./message.ts";

/** Bytes of a body that are kept in the row; larger ones lie in R2. */
export const MAX_INLINE_BODY_BYTES = 16_384;
/** Letters in one D1 batch: as one parameter they stay under 2 MB, even with every byte of the bodies as \u0000. */
const MAX_LETTERS_IN_BATCH = 18;

/** A message that was given up: one event, or a text nobody can read. */
export interface Letter {
  id: string;
  reason: string;
  detail: string;
  producer: string | null;
  uuid: string | null;
  content: string | null;
  attempts: number;
  body: string;
  /** The day (YYYY-MM-DD) it was received; null when it was counted before, or nobody knows. */
  day: string | null;
}

/** The letter of one event. `replay`: it died before, and was counted then. */
export async function letterOf(
  event: NewEvent,
  { reason, detail, attempts, replay }: { reason: string; detail: string; attempts: number; replay: boolean },
): Promise<Letter> {
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

/** The letter of a message nobody can read. */
export async function unreadableLetter(body: string, death: Pick<Letter, "reason" | "detail" | "attempts">) {
  return { ...death, id: await digestUuid(body), producer: null, uuid: null, content: null, body, day: null };
}

/** Keeps letters; one that is there already gets the newer reason, and the deliveries are added. `now` in microseconds. */
export async function keepLetters(
  env: Pick<Env, "DB" | "SPILL">,
  letters: readonly Letter[],
  now: number,
): Promise<void> {
  for (const letter of letters) {
    if (isLarge(letter)) await env.SPILL.put(bodyKey(letter.id), letter.body);
  }
  for (let start = 0; start < letters.length; start += MAX_LETTERS_IN_BATCH) {
    const some = letters.slice(start, start + MAX_LETTERS_IN_BATCH);
    const json = JSON.stringify(
      some.map((letter) => ({
        ...letter,
        detail: letter.detail.slice(0, MAX_DETAIL_LENGTH),
        body: isLarge(letter) ? null : letter.body,
      })),
    );
    await runBatch(database(env.DB), [countDead(json), keep(json, now)]);
  }
}

const isLarge = ({ body }: Letter): boolean => byteLength(body) > MAX_INLINE_BODY_BYTES;

/** A letter that is new counts as an accepted event that died. `letters`: a JSON array. */
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
