import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { printTime } from "../../src/values/time.ts";
import { deliver } from "../support/batch.ts";
import { queued } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { Random } from "../support/random.ts";
import type { HistoryEvent } from "../support/waldur-history.ts";
import { DAY, HOUR, MINUTE, storedUuids, theirEvent, uuidsOf, World } from "./world.ts";

const KILLS = 20;
/** `MIRROR_EVENTS=100000` makes it a larger one. */
const EVENTS = Number(env.MIRROR_EVENTS);
/** They lie in 40 days. */
const APART = (40 * DAY) / EVENTS;

const asHook = ({ uuid: _, created, ...event }: HistoryEvent) => ({
  ...event,
  created: printTime(created).replace("Z", "+00:00"),
});

/** One run of the cron job that ends after so many calls to Waldur, the queue or the database: nothing works after that. */
async function killedSlice(world: World, calls: number): Promise<boolean> {
  let left = calls;
  const alive = () => {
    left -= 1;
    if (left < 0) throw new Error("killed");
  };
  const { queue, bodies } = aQueue();
  const answer = world.waldur.answer.bind(world.waldur);
  const changed = {
    INGEST_QUEUE: {
      metrics: () => queue.metrics(),
      sendBatch: async (messages: Iterable<{ body: string }>) => {
        alive();
        return queue.sendBatch(messages as Iterable<MessageSendRequest<string>>);
      },
    } as unknown as Queue<string>,
    DB: new Proxy(env.DB, {
      get: (target, name) => {
        if (name !== "batch") return Reflect.get(target, name).bind(target);
        return async (statements: D1PreparedStatement[]) => {
          alive();
          return target.batch(statements);
        };
      },
    }),
    WALDUR: {
      fetch: async (request: Request) => {
        alive();
        return answer(request);
      },
    } as unknown as Fetcher,
  };
  Object.assign(world.changed, changed);
  await world.slice({ limits: { requests: 6, bytes: 1e9, wallMs: 1e9, statements: 600 } }).catch(() => undefined);
  world.sent.push(...bodies);
  for (const name of Object.keys(changed)) Reflect.deleteProperty(world.changed, name);
  return left < 0;
}

it.each([1, 2])(
  `killed ${KILLS} times at random while it reads, with web hooks of the same events: none is lost or doubled (seed %i)`,
  async (seed) => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const random = new Random(seed);
    const events = Array.from({ length: EVENTS }, (_, n) => theirEvent(n, 60 * DAY - Math.floor(n * APART)));
    const world = await World.started(events);
    world.random = () => random.next();
    let kills = 0;
    while (kills < KILLS) {
      if (await killedSlice(world, 1 + random.int(12))) kills += 1;
      const hooks = Array.from({ length: 20 }, () => random.pick(events));
      if (random.oneIn(2)) await world.consume();
      await deliver(await queued(...hooks.map(asHook)));
      if (random.oneIn(2)) await world.consume();
      // The lease of a run that was killed ends after 150 s; now and then another run comes earlier.
      world.now += random.oneIn(4) ? MINUTE : 5 * MINUTE;
    }
    await world.run(10);

    expect(await storedUuids()).toEqual(uuidsOf(events));
    expect((await world.windows()).every(({ state }) => state === "equal")).toBe(true);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM dead_letters").first("n")).toBe(0);
    expect(Number((await world.state())?.cursor)).toBeGreaterThan((world.now - 3 * HOUR) / 1_000);
  },
);
