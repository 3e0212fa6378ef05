import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { printTime } from "../../src/values/time.ts";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { queued } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { type HistoryEvent, historyOf } from "../support/waldur-history.ts";
import { runMinute } from "../support/world.ts";
import { bindingsFor, DAY, HOUR, MINUTE, NOW, storedUuids, theirEvent, uuidsOf, World } from "./world.ts";

/** As Waldur's web hook posts an event: without its uuid. */
const asHook = ({ uuid: _, created, ...event }: HistoryEvent) => ({
  ...event,
  created: printTime(created).replace("Z", "+00:00"),
});

const several = (count: number, apart: number): HistoryEvent[] =>
  Array.from({ length: count }, (_, n) => theirEvent(n, 40 * DAY - n * apart));

describe("the back-fill", () => {
  it("reads the whole history, the oldest first, with Waldur's uuids", async () => {
    const events = several(700, HOUR);
    const world = await World.started(events);

    await world.run(3);

    expect(await storedUuids()).toEqual(uuidsOf(events));
    const lists = world.waldur.requests.filter(({ path, query }) => path === "/api/events/" && query.has("created_to"));
    const froms = lists.map(({ query }) => Number(query.get("created_from")));
    expect(froms).toEqual(froms.toSorted((a, b) => a - b));
    expect(await world.state()).toMatchObject({ state: "running", reason: "", total: 700, seen: 700 });
  });

  it("gives each event of a web hook Waldur's uuid, whichever comes first, and doubles none", async () => {
    const events = several(40, HOUR);
    const world = await World.started(events);
    await deliver(await queued(...events.slice(0, 20).map(asHook)));

    await world.run(1);
    await deliver(await queued(...events.slice(10, 30).map(asHook)));

    expect(await storedUuids()).toEqual(uuidsOf(events));
  });

  it.each([false, true])(
    "neither loses nor doubles an event on a boundary; the boundary is included: %s",
    async (included) => {
      const second = Math.floor((NOW - DAY) / 1_000) * 1_000;
      const events = Array.from({ length: 50 }, (_, n) => theirEvent(n, 0, { created: (second + n * 500) * 1_000 }));
      const world = await World.started(events);
      world.waldur.includesEnd = included;
      await world.slice({ limits: { requests: 1, bytes: 1e9, wallMs: 1e9, statements: 600 } });
      const from = second / 1_000;
      await env.DB.exec(`UPDATE mirror_run SET width = 1, cursor = ${from}, history_from = ${from}`);

      for (let n = 0; n < 30; n++) {
        await env.DB.exec("UPDATE mirror_run SET width = 1");
        await world.slice({ limits: { requests: 1, bytes: 1e9, wallMs: 1e9, statements: 600 } });
      }
      await world.consume();

      expect(await storedUuids()).toEqual(uuidsOf(events));
      const windows = await world.windows();
      expect(windows.slice(0, 25).map(({ theirs }) => theirs)).toEqual(Array(25).fill(2));
      expect((await env.DB.prepare("SELECT sum(duplicates) AS n FROM ingest_days").first<number>("n")) ?? 0).toBe(0);
    },
  );

  it("makes windows narrower where events are many, and wider where they are few", async () => {
    const quiet = Array.from({ length: 5 }, (_, n) => theirEvent(`quiet ${n}`, (900 - n * 100) * DAY));
    const busy = Array.from({ length: 20_000 }, (_, n) => theirEvent(`busy ${n}`, 20 * DAY - n * 100));
    const world = await World.started([...quiet, ...busy]);

    await world.slice();

    const windows = await world.windows();
    expect(Math.max(...windows.map(({ theirs }) => Number(theirs)))).toBeLessThanOrEqual(9_000);
    expect(Math.max(...windows.map(({ from_s, to_s }) => Number(to_s) - Number(from_s)))).toBe(30 * 86_400);
    expect(windows.reduce((sum, { theirs }) => sum + Number(theirs), 0)).toBe(20_005);
    const pages = windows.reduce((sum, { theirs }) => sum + Math.max(1, Math.ceil(Number(theirs) / 300)), 0);
    expect(world.waldur.requests.length).toBeLessThan(pages + 30);
  });

  it("reads a second with more events than fit into memory page by page, over several slices", async () => {
    const created = (NOW - DAY) * 1_000;
    const events = Array.from({ length: 9_500 }, (_, n) => theirEvent(n, 0, { created: created + n }));
    const world = await World.started(events);

    for (let n = 0; n < 12; n++) {
      await world.slice({ limits: { requests: 10, bytes: 1e9, wallMs: 1e9, statements: 600 } });
    }

    const windows = (await world.windows()).filter(({ theirs }) => theirs !== 0);
    expect(windows).toMatchObject([{ theirs: 9_500, digest: "", state: "read" }]);
    const sent = new Set(
      world.sent.flatMap((body) => [...body.matchAll(/^\["([0-9a-f]{32})"/gm)].map(([, uuid]) => uuid)),
    );
    expect(sent.size).toBe(9_500);
  });

  it("goes on with a window that is larger than a slice, in narrower ones", async () => {
    const events = several(2_000, MINUTE);
    const world = await World.started(events);
    for (let n = 0; n < 25; n++) {
      await world.slice({ limits: { requests: 3, bytes: 1e9, wallMs: 1e9, statements: 600 } });
      world.now += MINUTE;
    }

    await world.consume();

    expect(await storedUuids()).toEqual(uuidsOf(events));
  });
});

describe("a run of the cron job", () => {
  it("makes one request at a time, no more than allowed, and the next goes on", async () => {
    const world = await World.started(several(700, HOUR));

    await world.slice({ limits: { requests: 2, bytes: 1e9, wallMs: 1e9, statements: 600 } });
    expect(world.waldur.requests).toHaveLength(2);
    await world.slice({ limits: { requests: 2, bytes: 1e9, wallMs: 1e9, statements: 600 } });
    expect(world.waldur.requests).toHaveLength(4);
    expect(await world.state()).toMatchObject({ requests: 4 });
  });

  it("is one of the jobs of every minute", async () => {
    stopClock(new Date(NOW).toISOString());
    const { waldur } = await World.started(several(10, HOUR));
    const { queue, bodies } = aQueue();

    await runMinute({ ...bindingsFor(waldur), INGEST_QUEUE: queue });

    expect(bodies.join().match(/"Event \d"/g)).toHaveLength(10);
  });

  it("does nothing while another one works, until that has been silent for the time of its lease", async () => {
    const world = await World.started(several(10, HOUR));
    await env.DB.exec(`UPDATE mirror_run SET lease = 'another', lease_until = ${NOW + MINUTE}`);

    await world.slice();
    expect(world.waldur.requests).toEqual([]);

    world.now += 2 * MINUTE;
    await world.slice();
    expect(world.waldur.requests.length).toBeGreaterThan(0);
  });

  it("writes nothing and asks nothing more once its lease has been taken", async () => {
    const world = await World.started(several(10, HOUR));
    const answer = world.waldur.answer.bind(world.waldur);
    world.changed.WALDUR = {
      fetch: async (request: Request) => {
        await env.DB.exec(`UPDATE mirror_run SET lease = 'another'`);
        return answer(request);
      },
    } as unknown as Fetcher;

    await world.slice();

    expect(world.waldur.requests).toHaveLength(1);
    expect(await world.windows()).toEqual([]);
    expect(await world.state()).toMatchObject({ cursor: null });
  });

  it("holds back while many messages wait in our queue, and says so", async () => {
    const world = await World.started(several(10, HOUR));
    await world.slice({ limits: { requests: 1, bytes: 1e9, wallMs: 1e9, statements: 600 } });
    const { queue } = aQueue({ backlog: 501 });
    world.changed.INGEST_QUEUE = queue;

    await world.slice();

    expect(world.waldur.requests).toHaveLength(1);
    expect(await world.state()).toMatchObject({ state: "running", reason: "backlog", failures: 0 });
    expect((await world.state())?.sentence).toMatch(/^501 messages wait in our own queue/);
  });

  it("does nothing without a token, before a start, and while it is paused", async () => {
    const unstarted = new World(several(10, HOUR));
    await unstarted.slice();
    const world = await World.started(several(10, HOUR));
    await world.slice({});
    const { length } = world.waldur.requests;
    await env.DB.exec("UPDATE mirror_run SET state = 'paused'");
    await world.slice();
    await env.DB.exec("UPDATE mirror_run SET state = 'running'");
    world.changed.WALDUR_MIRROR_TOKEN = "";
    await world.slice();

    expect([unstarted.waldur.requests, world.waldur.requests.length - length]).toEqual([[], 0]);
  });

  it("stops when WALDUR_URL has become another Waldur", async () => {
    const world = await World.started(several(10, HOUR));
    await world.slice();
    const { length } = world.waldur.requests;
    world.changed.WALDUR_URL = "https://other.example.com";

    await world.slice();

    expect(world.waldur.requests).toHaveLength(length);
    expect(await world.state()).toMatchObject({ state: "stopped", reason: "another_upstream" });
  });

  it("reads what is new each minute, as long as it is not settled", async () => {
    const old = several(5, HOUR);
    const world = await World.started(old);
    await world.run(2, MINUTE);
    const fresh = Array.from({ length: 5 }, (_, n) => theirEvent(`fresh ${n}`, -(n + 1) * 1_000));
    world.waldur.history = historyOf([...old, ...fresh]);
    const { length } = world.waldur.requests;

    await world.run(1, MINUTE);

    expect(await storedUuids()).toEqual(uuidsOf([...old, ...fresh]));
    expect(world.waldur.requests).toHaveLength(length + 1);
  });
});
