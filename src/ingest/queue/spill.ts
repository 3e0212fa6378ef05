import * as v from "valibot";
import { DEAD_PREFIX, SPILL_PREFIX, spillKey, UNREADABLE_PREFIX } from "./keys.ts";
import { fitsQueue, sendAll } from "./send.ts";

const messageList = v.pipe(v.string(), v.parseJson(), v.array(v.pipe(v.string(), v.check(fitsQueue))));

/** Objects whose messages are sent together, and their bytes, of which an isolate holds a few times as many. */
const CHUNK_OBJECTS = 100;
const CHUNK_BYTES = 2_000_000;
/** An invocation has six open connections (https://developers.cloudflare.com/workers/platform/limits/). */
const PARALLEL_READS = 5;
/** Objects in one sweep: half of the 10,000 subrequests of an invocation, as most take one and a little. */
const MAX_OBJECTS = 5_000;
/** Milliseconds. The next sweep begins a minute after this one has begun. */
const MAX_MS = 50_000;

/** Milliseconds that R2 has to take messages: the watermark is held for a little longer (src/ingest/watermark/hold.ts). */
export const SPILL_DEADLINE_MS = 5_000;

/** Writes messages to R2 and returns their key. Keys sort by time. `now` in microseconds. */
export async function spill(bucket: R2Bucket, messages: readonly string[], now: number, name: string): Promise<string> {
  const key = spillKey(SPILL_PREFIX, now, name);
  await bucket.put(key, JSON.stringify(messages));
  return key;
}

/** Writes a dead message to R2, for the dead-letter queue. `now` in microseconds. */
export async function spillDead(bucket: R2Bucket, message: string, now: number, name: string): Promise<void> {
  await bucket.put(spillKey(DEAD_PREFIX, now, name), JSON.stringify([message]));
}

/**
 * Sends spilled messages to the queue, the oldest first. Objects are deleted after the queue has taken all of their messages:
 * a sweep that is interrupted, or two at the same time, send messages twice, and their events are still written once. Stops
 * at the first refusal, and begins no further objects after MAX_MS. What is no list of messages is put aside, and an object
 * that R2 fails to return waits for the next sweep. Returns the number of objects sent.
 */
export async function sweep(bucket: R2Bucket, prefix: string, queue: Queue<string>): Promise<number> {
  const begun = Date.now();
  let begins = 0;
  let swept = 0;
  for await (const some of chunksBelow(bucket, prefix)) {
    if (begins >= MAX_OBJECTS || Date.now() - begun >= MAX_MS) break;
    begins += some.length;
    swept += await sweepChunk(bucket, queue, some);
  }
  return swept;
}

/** The keys below a prefix, in chunks of few objects and bytes. */
async function* chunksBelow(bucket: R2Bucket, prefix: string): AsyncGenerator<string[]> {
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    let chunk: string[] = [];
    let bytes = 0;
    for (const { key, size } of page.objects) {
      if (chunk.length === CHUNK_OBJECTS || (chunk.length > 0 && bytes + size > CHUNK_BYTES)) {
        yield chunk;
        [chunk, bytes] = [[], 0];
      }
      chunk.push(key);
      bytes += size;
    }
    if (chunk.length > 0) yield chunk;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
}

async function sweepChunk(bucket: R2Bucket, queue: Queue<string>, keys: readonly string[]): Promise<number> {
  const found: Spilled[] = [];
  for (let start = 0; start < keys.length; start += PARALLEL_READS) {
    const some = keys.slice(start, start + PARALLEL_READS).map((key) => read(bucket, key));
    found.push(...(await Promise.all(some)).flat());
  }
  const lists = found.map(({ key, text }) => ({ key, text, messages: messagesIn(text) }));
  const readable = lists.flatMap(({ key, messages }) => (messages === undefined ? [] : [{ key, messages }]));
  await sendAll(
    queue,
    readable.flatMap(({ messages }) => messages),
  );
  if (readable.length > 0) await bucket.delete(readable.map(({ key }) => key));
  for (const { key, text } of lists.filter(({ messages }) => messages === undefined)) await putAside(bucket, key, text);
  return readable.length;
}

interface Spilled {
  key: string;
  text: string;
}

/** The object; none when another sweep has deleted it, or when R2 fails. */
async function read(bucket: R2Bucket, key: string): Promise<Spilled[]> {
  try {
    const object = await bucket.get(key);
    return object === null ? [] : [{ key, text: await object.text() }];
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "spilled_object_not_read", key, error: String(error) }));
    return [];
  }
}

function messagesIn(text: string): string[] | undefined {
  const { success, output } = v.safeParse(messageList, text);
  return success ? output : undefined;
}

/** Keeps for an operator what no sweep can send, where no sweep reads it again. */
async function putAside(bucket: R2Bucket, key: string, text: string): Promise<void> {
  console.error(JSON.stringify({ level: "error", event: "spilled_object_unreadable", key }));
  await bucket.put(UNREADABLE_PREFIX + key, text);
  await bucket.delete(key);
}
