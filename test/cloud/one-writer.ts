import { Random } from "../support/random.ts";

/*
 * Consumers and readers before one database, in virtual time. Documented: a database runs one query at a time
 * (https://developers.cloudflare.com/d1/platform/limits/#frequently-asked-questions), an indexed read takes less than 1 ms,
 * a write several.
 *
 * Assumed: first come, first served; the times below; all consumers run for as long as messages wait; all readers ask the
 * primary database. Not simulated: calls that the database refuses because too many wait.
 */

const TIMES = {
  /** Milliseconds of the database: for a read, for a write call, and for each event in it. */
  read: 1,
  write: 5,
  event: 0.1,
  /** Milliseconds of a consumer: for a call's way there and back, and for each event. */
  network: 20,
  prepare: 0.1,
};

/** As in wrangler.toml and src/ingest/transactions.ts. */
const MAX_BATCH = 25;
const MAX_EVENTS = 500;

export interface Load {
  consumers: number;
  /** Messages that wait at the beginning, and the events in each. */
  messages: number;
  events: number;
  /** Reads a second, at random times. */
  reads: number;
}

/** What came of it, in milliseconds. */
export interface Outcome {
  /** Until all was stored. */
  drained: number;
  /** From the coming of a read until its answer leaves the database: of half of them, of 99 in 100, of all. */
  median: number;
  p99: number;
  longest: number;
}

interface Call {
  at: number;
  /** The events of the call, and those left of the consumer's delivery. */
  events: number;
  left: number;
}

/** Lets the consumers store all messages, while readers read. */
export function simulate({ consumers, messages, events, reads }: Load): Outcome {
  const random = new Random(1);
  const gap = () => (-Math.log(1 - random.next()) * 1_000) / reads;
  const waits: number[] = [];
  let [waiting, free, drained] = [messages, 0, 0];
  const take = (at: number): Call[] => {
    const batch = Math.min(MAX_BATCH, waiting);
    waiting -= batch;
    return batch === 0 ? [] : [callOf(at, batch * events)];
  };
  const calls = Array.from({ length: consumers }).flatMap(() => take(0));
  let nextRead = gap();
  while (calls.length > 0 || nextRead < drained) {
    const first = calls.toSorted((a, b) => a.at - b.at)[0];
    if (first === undefined || nextRead < first.at) {
      free = Math.max(free, nextRead) + TIMES.read;
      waits.push(free - nextRead);
      nextRead += gap();
      continue;
    }
    free = Math.max(free, first.at) + TIMES.write + first.events * TIMES.event;
    drained = free;
    calls.splice(calls.indexOf(first), 1);
    const back = free + TIMES.network / 2;
    calls.push(...(first.left > 0 ? [callOf(back, first.left)] : take(back)));
  }
  waits.sort((a, b) => a - b);
  const part = (share: number) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? Number.NaN;
  return { drained, median: part(0.5), p99: part(0.99), longest: part(1) };
}

/** The next call of a delivery with so many events. */
function callOf(begins: number, events: number): Call {
  const some = Math.min(events, MAX_EVENTS);
  return { at: begins + some * TIMES.prepare + TIMES.network / 2, events: some, left: events - some };
}
