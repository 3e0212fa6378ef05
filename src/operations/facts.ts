import { database, runBatch } from "../db/client.ts";
import type { Env } from "../env.ts";
import { stateStatement } from "../events/log/entries.ts";
import { reason } from "../http/errors.ts";
import { DEAD_PREFIX, SPILL_PREFIX, spilledAt, UNREADABLE_PREFIX } from "../ingest/queue/keys.ts";
import { type Hold, holdOf, readMark } from "../ingest/watermark/mark.ts";
import { withDeadline } from "../values/deadline.ts";
import { type Numbers, numbersIn, numbersStatement } from "./numbers.ts";

/** Milliseconds that each part of the platform has to answer a scrape. Prometheus waits for 10 s by default. */
export const PART_DEADLINE_MS = 3_000;
/** Objects that are listed below a prefix: one page of R2. There may be more. */
export const MAX_OBJECTS_LISTED = 1_000;

const PLACES = { spill: SPILL_PREFIX, dead: DEAD_PREFIX, unreadable: UNREADABLE_PREFIX };

/** What the database says. */
export interface DatabaseFacts {
  /** Number of the newest entry of the log. */
  end: number;
  /** Milliseconds since 1970. */
  incarnation: number;
  /** Microseconds; 0 while it is unknown. */
  completeThrough: number;
  bytes: number;
  /** When the cron job wrote `numbers`: microseconds, 0 for never. */
  countedAt: number;
  numbers: Numbers | undefined;
}

/** What a queue says of its messages. Milliseconds. */
export interface QueueFacts {
  messages: number;
  oldest: number | undefined;
}

/** What the bucket says. */
export interface StoreFacts {
  hold: Hold | undefined;
  /** Objects by place, and when the first was put there, milliseconds. */
  places: Record<string, { objects: number; oldest: number | undefined }>;
}

/** Everything that one scrape knows. What does not answer is undefined. */
export interface Facts {
  /** Milliseconds. */
  now: number;
  /** Of the deployment, where the platform tells it. */
  deployment: string;
  database: DatabaseFacts | undefined;
  queues: Record<"ingest" | "dead-letters", QueueFacts | undefined>;
  store: StoreFacts | undefined;
}

type Bindings = Pick<Env, "DB" | "SPILL" | "INGEST_QUEUE" | "INGEST_DEAD_LETTERS" | "VERSION">;

/**
 * Asks all parts at the same time; does not throw. Reads three rows, lists three pages of R2 and reads one object. `now` in
 * milliseconds.
 */
export async function readFacts(env: Bindings, now = Date.now()): Promise<Facts> {
  const [known, ingest, dead, store] = await Promise.all([
    answerOf("database", readDatabase(env.DB)),
    answerOf("queue", readQueue(env.INGEST_QUEUE)),
    answerOf("dead-letter queue", readQueue(env.INGEST_DEAD_LETTERS)),
    answerOf("bucket", readStore(env.SPILL, now)),
  ]);
  const queues = { ingest, "dead-letters": dead };
  return { now, deployment: env.VERSION?.id ?? "", database: known, queues, store };
}

/** What a part answers; undefined, with a line in the log, when it fails or is too late. */
export async function answerOf<T>(part: string, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await withDeadline(answer, PART_DEADLINE_MS, `The ${part} did not answer in time.`);
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "part_unavailable", part, error: reason(error).error }));
    return undefined;
  }
}

/** Reads three rows. */
export async function readDatabase(DB: D1Database): Promise<DatabaseFacts> {
  const [log, counted] = await runBatch(database(DB), [stateStatement, numbersStatement]);
  const state = log?.results[0];
  const row = counted?.results[0];
  return {
    end: Number(state?.end),
    incarnation: Number(state?.incarnation),
    completeThrough: Number(state?.complete_through),
    bytes: log?.meta.size_after ?? 0,
    countedAt: Number(row?.at ?? 0),
    numbers: numbersIn(row),
  };
}

/** The local queue gives the time as a number, and 0 for none. */
export async function readQueue(queue: Queue<string>): Promise<QueueFacts> {
  const { backlogCount, oldestMessageTimestamp } = await queue.metrics();
  const oldest = Number(oldestMessageTimestamp ?? 0);
  return { messages: backlogCount, oldest: oldest > 0 ? oldest : undefined };
}

async function readStore(bucket: R2Bucket, now: number): Promise<StoreFacts> {
  const [{ mark }, ...places] = await Promise.all([
    readMark(bucket),
    ...Object.entries(PLACES).map(async ([name, prefix]) => [name, await listed(bucket, prefix)] as const),
  ]);
  return { hold: holdOf(mark, now), places: Object.fromEntries(places) };
}

/** Keys sort by time, and have it. */
async function listed(bucket: R2Bucket, prefix: string) {
  const { objects } = await bucket.list({ prefix, limit: MAX_OBJECTS_LISTED });
  return { objects: objects.length, oldest: spilledAt(objects[0]?.key ?? "") };
}
