import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { database, runBatch } from "../../src/db/client.ts";
import { countInLog } from "../../src/events/counters/write.ts";
import { gramsOf } from "../../src/events/search/terms.ts";
import { Random } from "./random.ts";

/** The text of the matches, and that of the other events. */
export const MATCH = "A needle fell";
const OTHER = "Hay was cut";

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
/** The log has events of 18 months. */
const START = Date.UTC(2025, 0, 1) * 1000;
const SPAN = 548 * DAY;
const IN_2099 = Date.UTC(2099, 5, 1) * 1000;
const EVENTS_AT_ONCE = 20_000;

/** What an event is. */
interface Place {
  /** When it happened, as a share of the log's time. */
  time: number;
  isMatch: boolean;
}

const among = (share: number, from: number, to: number) => share >= from && share < to;

/** Places an event by its share in the order of arrival, from 0 to 1, and its number. */
export type Distribution = (share: number, index: number, random: Random) => Place;

/** How the matches of a search lie in time: one event in five. */
export const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  even: (share, index) => ({ time: share, isMatch: index % 5 === 0 }),
  "one burst": (share) => ({
    time: among(share, 0.4, 0.6) ? 0.5 + (share - 0.4) / 1e5 : share,
    isMatch: among(share, 0.4, 0.6),
  }),
  "old only": (share) => ({ time: share, isMatch: share < 0.2 }),
  "one in 2099": (share, index) => ({
    time: index === 500 ? (IN_2099 - START) / SPAN : share,
    isMatch: index === 500 || share < 0.2,
  }),
  "newest only": (share) => ({ time: share, isMatch: share >= 0.8 }),
  "two clumps": (share) => ({ time: share, isMatch: among(share, 0.1, 0.2) || among(share, 0.6, 0.7) }),
  "late arrivals": (share, _, random) => {
    const isMatch = share >= 0.8;
    return { time: isMatch ? random.next() * 0.3 : share, isMatch };
  },
  "one microsecond": (share) => ({ time: among(share, 0.3, 0.5) ? 0.5 : share, isMatch: among(share, 0.3, 0.5) }),
  "against the ids": (share, index) => ({ time: 1 - share, isMatch: index % 5 === 0 }),
  random: (_, __, random) => ({ time: random.next(), isMatch: random.next() < 0.2 }),
};

/** What a plain look at every event finds: the ids of the matches, newest first. */
export interface Loaded {
  newestFirst: number[];
  oldestFirst: number[];
}

/** Writes so many events, whose matches lie as the name says. */
export function loadDistribution(name: string, count: number): Promise<Loaded> {
  const place = DISTRIBUTIONS[name];
  if (place === undefined) throw new Error(`No distribution is called ${name}.`);
  return loadEvents(count, place);
}

/** Writes so many events straight into the tables, as the consumer would; what a search for their matches should find. */
export async function loadEvents(count: number, place: Distribution): Promise<Loaded> {
  const random = new Random(1);
  const found: [id: number, created: number][] = [];
  for (let first = 0; first < count; first += EVENTS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(EVENTS_AT_ONCE, count - first) }, (_, offset) => {
      const index = first + offset;
      const { time, isMatch } = place(index / count, index, random);
      const created = Math.round(START + time * SPAN);
      if (isMatch) found.push([index + 1, created]);
      return `[${index + 1},${created},${Number(isMatch)}]`;
    });
    await write(`[${rows.join(",")}]`, first);
  }
  const ids = (sign: number) => [...found].sort((a, b) => sign * (a[1] - b[1]) || a[0] - b[0]).map(([id]) => id);
  return { newestFirst: ids(-1), oldestFirst: ids(1) };
}

const termsOf = (message: string): string => [...gramsOf(message.toUpperCase()), "type:1"].join(" ");

async function write(rows: string, lastId: number): Promise<void> {
  await runBatch(database(env.DB), [
    sql`UPDATE commit_watermark SET marked_end = ${lastId}`,
    sql`INSERT INTO events (id, uuid, created, type, message, context, producer, upstream, received_at)
      SELECT value->>0, printf('%032x', value->>0), value->>1, 1, iif(value->>2, ${MATCH}, ${OTHER}), '{}', 'waldur', 0, 0
      FROM json_each(${rows})`,
    sql`INSERT INTO event_index (rowid, terms)
      SELECT value->>0, iif(value->>2, ${termsOf(MATCH)}, ${termsOf(OTHER)}) FROM json_each(${rows})`,
    ...countInLog,
  ]);
}
