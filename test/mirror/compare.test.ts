import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { verify } from "../../src/mirror/control.ts";
import { mirrorStatus } from "../../src/mirror/status.ts";
import { aMeteredDatabase } from "../support/ingest.ts";
import { historyOf } from "../support/waldur-history.ts";
import { anEvent, hex, recorded } from "../support/world.ts";
import { DAY, HOUR, MINUTE, NOW, storedUuids, theirEvent, uuidsOf, World } from "./world.ts";

const events = Array.from({ length: 600 }, (_, n) => theirEvent(n, 30 * DAY - n * HOUR));

/** A Waldur whose history is read and compared. */
async function aMirror(): Promise<World> {
  const world = await World.started(events);
  await world.run(4);
  return world;
}

const status = (world: World) => mirrorStatus(database(env.DB), world.now);

/** Seconds of the first window that is not equal; undefined when all are. */
const openFrom = async (world: World) => (await world.windows()).find(({ state }) => state !== "equal")?.from_s;

describe("verified_through", () => {
  it("comes to the end of what is settled when the digests of all windows agree", async () => {
    const world = await aMirror();
    const { verifiedThrough, readThrough, state, windows, seen, total, timeLeft } = await status(world);

    expect([state, verifiedThrough, seen, total, timeLeft]).toEqual(["following", readThrough, 600, 600, 0]);
    expect(windows).toMatchObject({ read: 0, unequal: 0, failed: 0 });
    expect(NOW * 1_000 - Number(readThrough)).toBeLessThan(2 * HOUR * 1_000);
  });

  it("does not pass what is read and not yet stored", async () => {
    const world = await World.started(events);
    await world.slice();

    expect((await status(world)).verifiedThrough).toBeLessThanOrEqual((NOW - 30 * DAY) * 1_000);
    expect((await status(world)).state).toBe("following");

    await world.run(3);
    expect(await openFrom(world)).toBeUndefined();
  });

  it("is null as long as the first window has not agreed", async () => {
    const early = await World.started([theirEvent("first", 30 * DAY), ...events]);
    await env.DB.exec("UPDATE mirror_run SET width = 2592000");
    await early.slice();

    expect((await status(early)).verifiedThrough).toBeNull();
  });

  it("goes by one window at a time: a window that differs ends it, however many agree after it", async () => {
    const world = await aMirror();
    const broken = events[300];
    await env.DB.exec(`UPDATE events SET message = replace(message, 'E', 'e') WHERE uuid = '${broken?.uuid}'`);
    world.now += DAY;
    await world.run(1);

    const { verifiedThrough, windows, sentence } = await status(world);
    expect(windows.unequal).toBe(1);
    expect(Number(verifiedThrough)).toBeLessThanOrEqual(Number(broken?.created));
    expect(sentence).toBe("Waldur's history is read; new events are read every minute.");
    expect(await world.differences()).toEqual([{ uuid: broken?.uuid, kind: "altered" }]);
    const open = (await world.windows()).find(({ state }) => state === "unequal");
    expect(open?.sentence).toBe("Events: 1 differ in content.");
  });
});

describe("a window that was compared", () => {
  it("is compared again after a day, 7 days and 30 days, and then no more; twice by one request, the last time in full", async () => {
    const world = await aMirror();
    await env.DB.exec("UPDATE mirror_run SET cursor = 99999999999");
    const windows = (await world.windows()).length;
    const requests: number[] = [];
    for (const days of [1, 7, 30, 60]) {
      world.now = NOW + days * DAY + HOUR;
      const { length } = world.waldur.requests;
      await world.run(1);
      requests.push(world.waldur.requests.length - length - 1);
    }

    const pages = (await world.windows()).reduce(
      (sum, { theirs }) => sum + Math.max(1, Math.ceil(Number(theirs) / 300)),
      0,
    );
    expect(requests).toEqual([windows, windows, pages, 0]);
    expect((await world.windows()).every(({ next_at, rounds }) => next_at === null && rounds === 3)).toBe(true);
  });

  it("gets the event that Waldur shows late", async () => {
    const world = await aMirror();
    const late = theirEvent("late", 20 * DAY);
    world.waldur.history = historyOf([...events, late]);

    world.now += DAY;
    await world.run(4);

    expect(await storedUuids()).toEqual(uuidsOf([...events, late]));
    expect(await openFrom(world)).toBeUndefined();
  });

  it("gets the event back that we have lost", async () => {
    const world = await aMirror();
    await env.DB.exec(`DELETE FROM events WHERE uuid = '${events[7]?.uuid}'`);

    world.now += DAY;
    await world.run(4);

    expect(await storedUuids()).toEqual(uuidsOf(events));
    expect(await openFrom(world)).toBeUndefined();
  });

  it("keeps and reports the event that only we have", async () => {
    const world = await aMirror();
    world.waldur.history = historyOf(events.slice(1));

    world.now += DAY;
    await world.run(3);

    expect(await storedUuids()).toEqual(uuidsOf(events));
    expect(await world.differences()).toEqual([{ uuid: events[0]?.uuid, kind: "extra" }]);
    expect(await openFrom(world)).toBeLessThanOrEqual((NOW - 30 * DAY) / 1_000);
  });

  it("has nothing to do with the events of other producers", async () => {
    const world = await World.started(events);
    await recorded(anEvent({ producer: "crm", created: events[5]?.created ?? 0 }));
    await world.run(4);

    expect(await openFrom(world)).toBeUndefined();
  });

  it("reports an event that breaks a rule of the ingest, with the rule, and takes over all others", async () => {
    const odd = theirEvent("odd", 10 * DAY, { event_type: "x".repeat(101) });
    const world = await World.started([...events, odd]);
    await world.run(5);

    expect(await storedUuids()).toEqual(uuidsOf(events));
    const kept = await env.DB.prepare("SELECT uuid, kind, detail FROM mirror_differences").all();
    expect(kept.results).toEqual([
      { uuid: odd.uuid, kind: "refused", detail: "event_type: Must be at most 100 characters." },
    ]);
  });

  it("costs one row of ours for each event, and few more", async () => {
    const world = await aMirror();
    const { DB, cost } = aMeteredDatabase();
    world.changed.DB = DB;
    world.now += DAY;
    await world.slice();

    expect(cost.rowsRead).toBeLessThan(600 + 200);
  });
});

describe("what `mirror verify` asks for", () => {
  it("finds the missing event by counts, fetches it, and says what it has cost", async () => {
    const world = await aMirror();
    await env.DB.exec(`DELETE FROM events WHERE uuid = '${events[311]?.uuid}'`);
    await runBatch(database(env.DB), verify("counts", world.now));

    await world.run(1, MINUTE);

    expect(await world.differences()).toEqual([{ uuid: events[311]?.uuid, kind: "missing" }]);
    const { verification, verifiedThrough } = await status(world);
    expect(verifiedThrough).toBeLessThanOrEqual(Number(events[311]?.created));
    expect(verification).toMatchObject({ mode: "counts", found: 1, done_at: world.now - MINUTE });
    expect(verification?.requests).toBeLessThan(20);
    world.now += 10 * MINUTE;
    await world.run(2);
    expect(await storedUuids()).toEqual(uuidsOf(events));
    expect(await world.differences()).toEqual([]);
  });

  it("finds the altered event by digests, in several slices", async () => {
    const world = await aMirror();
    await env.DB.exec(`UPDATE events SET context = '{"user_username":"eve"}' WHERE uuid = '${events[311]?.uuid}'`);
    await runBatch(database(env.DB), verify("digests", world.now));

    for (let n = 0; n < 4; n++) {
      await world.slice({ limits: { requests: 4, bytes: 1e9, wallMs: 1e9, statements: 600 } });
      world.now += MINUTE;
    }

    expect(await world.differences()).toEqual([{ uuid: events[311]?.uuid, kind: "altered" }]);
    expect((await status(world)).verification).toMatchObject({ found: 1, counted: 0 });
  });

  it("finds what Waldur has no more, where it has no more of that month", async () => {
    const world = await aMirror();
    await recorded(anEvent({ uuid: hex("alone"), created: (NOW - 300 * DAY) * 1_000 }));
    await runBatch(database(env.DB), verify("counts", world.now));

    await world.run(1);

    expect(await world.differences()).toEqual([{ uuid: hex("alone"), kind: "extra" }]);
  });
});
