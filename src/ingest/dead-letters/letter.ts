import { type SQL, sql } from "drizzle-orm";
import { type NewEvent, withContent } from "../../events/event.ts";
import { digestUuid } from "../../values/digest-uuid.ts";
import { dayOf } from "../../values/periods.ts";
import { packOne } from "../queue/message.ts";

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

/** The statements that keep dead letters. `letters`: a JSON array of `DeadLetter`; `now` in microseconds. */
export const keepStatements = (letters: string, now: number): SQL[] => [countDead(letters), keep(letters, now)];

/** Counts each new dead letter as an accepted event that was given up. One that was stored since is new again. */
const countDead = (letters: string): SQL => sql`INSERT INTO ingest_days (producer, day, accepted, dead)
  SELECT producer, day, count(*), count(*) FROM (
    SELECT DISTINCT value->>'id' AS id, value->>'producer' AS producer, value->>'day' AS day FROM json_each(${letters})
  ) AS letter
  WHERE day IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE dead_letters.id = letter.id AND state <> 'stored')
  GROUP BY producer, day
  ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted, dead = dead + excluded.dead`;

const keep = (letters: string, now: number): SQL => sql`INSERT INTO dead_letters
    (id, reason, detail, producer, uuid, content, day, attempts, first_seen, last_seen, body)
  SELECT value->>'id', value->>'reason', value->>'detail', value->>'producer', value->>'uuid', value->>'content',
    value->>'day', value->>'attempts', ${now}, ${now}, value->>'body'
  FROM json_each(${letters})
  WHERE true
  ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail, state = 'dead',
    day = CASE state WHEN 'stored' THEN excluded.day ELSE day END, discarded = NULL, body = excluded.body,
    attempts = attempts + excluded.attempts, last_seen = excluded.last_seen`;
