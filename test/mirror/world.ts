import { env } from "cloudflare:workers";
import { database, runBatch } from "../../src/db/client.ts";
import type { Env } from "../../src/env.ts";
import { INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { start } from "../../src/mirror/control.ts";
import { mirrorWaldur } from "../../src/mirror/job.ts";
import { readRun } from "../../src/mirror/store.ts";
import { deliver } from "../support/batch.ts";
import { aQueue } from "../support/queue.ts";
import { type HistoryEvent, historyOf, WaldurHistory } from "../support/waldur-history.ts";
import { bindings, hex } from "../support/world.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** When the tests begin, milliseconds. */
export const NOW = Date.UTC(2026, 5, 20, 12);

/** An event of Waldur. `ago`: milliseconds before NOW. */
export const theirEvent = (name: string | number, ago: number, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  uuid: hex(`waldur ${name}`),
  created: (NOW - ago) * 1_000,
  event_type: "user_activated",
  message: `Event ${name}`,
  context: { user_username: `user ${name}`, ip_address: "192.0.2.1" },
  ...more,
});

/** The bindings of a Worker that mirrors a Waldur. */
export const bindingsFor = (waldur: WaldurHistory): Partial<Env> => ({
  WALDUR_URL: "https://waldur.example.com/",
  WALDUR_MIRROR_TOKEN: waldur.token,
  WALDUR: { fetch: async (request: Request) => waldur.answer(request) } as unknown as Fetcher,
});

/** A Waldur with events, a Worker that mirrors it, and a clock that both tests and mirror read. */
export class World {
  readonly waldur: WaldurHistory;
  readonly sent: string[] = [];
  readonly changed: Partial<Env> = {};
  now = NOW;
  random = () => 0.5;

  constructor(events: readonly HistoryEvent[]) {
    this.waldur = new WaldurHistory(historyOf(events));
  }

  static async started(events: readonly HistoryEvent[]): Promise<World> {
    const world = new World(events);
    await runBatch(database(env.DB), start(world.now, false));
    return world;
  }

  /** One run of the cron job. What it queues waits for `consume`. */
  async slice(limits?: Parameters<typeof mirrorWaldur>[1] extends infer O | undefined ? O : never): Promise<void> {
    const { queue, bodies } = aQueue();
    const given = { INGEST_QUEUE: queue, ...bindingsFor(this.waldur), ...this.changed };
    try {
      await mirrorWaldur(bindings(given), { now: () => this.now, random: this.random, ...limits });
    } finally {
      this.sent.push(...bodies);
    }
  }

  /** Delivers what was queued. */
  async consume(): Promise<void> {
    const bodies = this.sent.splice(0);
    for (let first = 0; first < bodies.length; first += 25) {
      await deliver(bodies.slice(first, first + 25), {}, { queue: INGEST_QUEUE_NAME });
    }
  }

  /** So many runs, some time apart, each with its deliveries. */
  async run(slices: number, apart = 5 * MINUTE): Promise<void> {
    for (let n = 0; n < slices; n++) {
      await this.slice();
      await this.consume();
      this.now += apart;
    }
  }

  state = () => readRun(database(env.DB));
  windows = async () => (await env.DB.prepare("SELECT * FROM mirror_windows ORDER BY from_s").all()).results;
  differences = async () =>
    (await env.DB.prepare("SELECT uuid, kind FROM mirror_differences ORDER BY uuid").all()).results;
}

/** The stored events, the oldest first. */
export const storedUuids = async (): Promise<string[]> => {
  const { results } = await env.DB.prepare("SELECT uuid FROM events ORDER BY created, uuid").all<{ uuid: string }>();
  return results.map(({ uuid }) => uuid);
};

export const uuidsOf = (events: readonly HistoryEvent[]): string[] =>
  [...events].sort((a, b) => a.created - b.created || (a.uuid < b.uuid ? -1 : 1)).map(({ uuid }) => uuid);
