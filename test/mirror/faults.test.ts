import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { verify } from "../../src/mirror/control.ts";
import { mirrorStatus } from "../../src/mirror/status.ts";
import { aRefusingQueue } from "../support/queue.ts";
import { type Fault, historyOf } from "../support/waldur-history.ts";
import { DAY, HOUR, MINUTE, storedUuids, theirEvent, uuidsOf, World } from "./world.ts";

const events = Array.from({ length: 900 }, (_, n) => theirEvent(n, 20 * DAY - n * 60_000));

/** What the log of the Worker says. */
function said(): string[] {
  const lines: string[] = [];
  for (const name of ["error", "warn", "log"] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line));
  return lines;
}

/** Runs until the mirror has got over what was wrong. */
async function recovered(world: World): Promise<void> {
  world.now += HOUR;
  await world.run(8);
}

const TRANSIENT: readonly [Fault, string, string][] = [
  ["html", "no_json", "Waldur answered with a page for people, not with events: is WALDUR_URL right?"],
  ["error", "server_error", "Waldur answered with an error. (500)"],
  ["down", "no_answer", "Waldur did not answer, or its answer broke off. (TypeError)"],
  ["throttled", "throttled", "Waldur asked for a pause. (429)"],
  [
    "redirect",
    "redirected",
    "Waldur answered with a redirect, which the mirror does not follow: correct WALDUR_URL. (302)",
  ],
  ["half", "half_page", "Waldur's answer ended in the middle."],
  ["no count", "no_count", "Waldur's answer has no usable X-Result-Count."],
  ["no uuid", "no_uuid", "Waldur gave an event without a uuid."],
  [
    "short page",
    "short_page",
    "A page of Waldur has fewer or more events than its X-Result-Count promises. (299 of 900 on page 1)",
  ],
];

describe("an answer that cannot be used", () => {
  it.each(TRANSIENT)(
    "%s: gives the state %s with a sentence, and no event is lost or doubled",
    async (fault, reason, sentence) => {
      said();
      const world = await World.started(events);
      world.waldur.faults.push(fault);

      await world.run(1, 0);

      expect(await world.state()).toMatchObject({ state: "running", reason, sentence, failures: 1 });
      expect(await mirrorStatus(database(env.DB), world.now)).toMatchObject({ state: "reading", reason, sentence });
      await recovered(world);
      expect(await storedUuids()).toEqual(uuidsOf(events));
      expect(await world.state()).toMatchObject({ reason: "", sentence: "", failures: 0 });
      expect((await world.windows()).every(({ state }) => state === "equal")).toBe(true);
    },
  );

  it.each<[Fault, string]>([
    ["same page", "repeated"],
    ["wrong count", "short_page"],
    ["short page", "short_page"],
    ["half", "half_page"],
  ])("in the middle of a window, %s: what came before it is not doubled", async (fault, reason) => {
    said();
    const world = await World.started(events);
    world.waldur.faults.push(undefined, fault);

    await world.run(1, 0);
    const { reason: found } = (await world.state()) ?? {};
    await recovered(world);

    expect([reason, "shifted"]).toContain(found);
    expect(await storedUuids()).toEqual(uuidsOf(events));
    const dead = await env.DB.prepare("SELECT count(*) AS n FROM dead_letters").first<number>("n");
    expect(dead).toBe(0);
  });

  it("is tried again, and after five times that part of the history is put aside, so that the rest is read", async () => {
    said();
    const world = await World.started(events);
    await world.slice({ limits: { requests: 1, bytes: 1e9, wallMs: 1e9, statements: 600 } });
    world.waldur.always = "half";
    for (let n = 0; n < 5; n++) {
      await world.slice({ limits: { requests: 1, bytes: 1e9, wallMs: 1e9, statements: 600 } });
      world.now += HOUR;
    }
    world.waldur.always = undefined;

    const [failed] = await world.windows();
    expect(failed).toMatchObject({ state: "failed", sentence: "Waldur's answer ended in the middle." });
    await world.run(2);
    expect((await mirrorStatus(database(env.DB), world.now)).verifiedThrough).toBeNull();
    world.now += DAY;
    await world.run(4);
    expect(await storedUuids()).toEqual(uuidsOf(events));
    expect((await world.windows()).every(({ state }) => state === "equal")).toBe(true);
  });
});

it("an answer that cannot be used in the tail does not keep the rest from being done", async () => {
  said();
  const world = await World.started(events);
  await world.run(3);
  const fresh = theirEvent("fresh", -20 * MINUTE);
  world.waldur.history = historyOf([...events, fresh]);
  world.waldur.always = "half";
  const before = (await world.state())?.cursor ?? 0;
  world.now += 3 * HOUR;

  for (let n = 0; n < 8; n++) {
    await world.slice();
    world.now += HOUR;
  }

  expect(await world.state()).toMatchObject({ reason: "half_page" });
  expect((await world.state())?.cursor).toBeGreaterThan(before);
});

it("a verification goes on after a range that cannot be read, and says how many there were", async () => {
  said();
  const world = await World.started(events);
  await world.run(4);
  await env.DB.exec(`DELETE FROM events WHERE uuid = '${events[5]?.uuid}'`);
  await runBatch(database(env.DB), verify("counts", world.now));
  world.waldur.faults.push("half");

  await world.run(1);

  const { verification } = await mirrorStatus(database(env.DB), world.now);
  expect(verification).toMatchObject({ unread: 1, done_at: expect.any(Number) });
});

describe("the mirror waits", () => {
  it("for as long as Retry-After says, in seconds or as a date", async () => {
    said();
    const world = await World.started(events);
    world.waldur.always = "throttled";
    world.waldur.retryAfter = "7200";
    await world.slice();
    expect((await world.state())?.resume_at).toBe(world.now + 2 * HOUR);

    world.now += HOUR;
    await world.slice();
    expect(world.waldur.requests).toHaveLength(1);

    world.now += HOUR;
    world.waldur.always = "error";
    world.waldur.retryAfter = new Date(world.now + 3 * HOUR).toUTCString();
    await world.slice();
    expect((await world.state())?.resume_at).toBe(world.now + 3 * HOUR);
  });

  it("twice as long after each failure, half of it random, and at most 15 minutes", async () => {
    said();
    const world = await World.started(events);
    world.waldur.always = "error";
    const waits: number[] = [];
    for (const random of [0, 0, 0.5, 0.5, 0, 0, 0, 0.99]) {
      world.random = () => random;
      await world.slice();
      const until = (await world.state())?.resume_at ?? 0;
      waits.push((until - world.now) / 1_000);
      world.now = until;
    }

    expect(waits).toEqual([5, 10, 30, 60, 80, 160, 320, 895.5]);
  });

  it("when our own queue refuses, and writes no window", async () => {
    said();
    const world = await World.started(events);
    world.changed.INGEST_QUEUE = aRefusingQueue();
    await world.slice();

    expect(await world.state()).toMatchObject({
      reason: "queue",
      sentence: "Our own queue did not take the events. (Error)",
    });
    expect((await world.windows()).filter(({ theirs }) => theirs !== 0)).toEqual([]);
    delete world.changed.INGEST_QUEUE;
    await recovered(world);
    expect(await storedUuids()).toEqual(uuidsOf(events));
  });
});

it.each<[Fault | undefined, string]>([
  ["refused", "403"],
  [undefined, "401"],
])(
  "the mirror stops when Waldur refuses the token (%s), asks nothing more, and logs no token",
  async (fault, status) => {
    const lines = said();
    const world = await World.started(events);
    if (fault === undefined) world.waldur.accepted = "another";
    else world.waldur.always = fault;

    await world.run(3);

    expect(world.waldur.requests).toHaveLength(1);
    expect(await world.state()).toMatchObject({
      state: "stopped",
      reason: "refused",
      sentence: `Waldur refuses the token: make a new one, and run \`mirror resume\`. (${status})`,
    });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join()).not.toContain(world.waldur.token);
  },
);

describe("a clock that is wrong", () => {
  it("ahead: is said, and its events are read before we have reached their time", async () => {
    const world = await World.started(events);
    world.waldur.clock = () => world.now + 2 * HOUR;
    await world.run(2, MINUTE);
    const ahead = theirEvent("ahead", -2 * HOUR);
    world.waldur.history = historyOf([...events, ahead]);

    await world.run(1, MINUTE);

    expect(await storedUuids()).toEqual(uuidsOf([...events, ahead]));
    const { reason, sentence } = await mirrorStatus(database(env.DB), world.now);
    expect([reason, sentence]).toEqual(["clock", "Waldur's clock is 7200 s ahead of ours."]);
  });

  it("behind: nothing is settled that Waldur's clock has not passed", async () => {
    const world = await World.started(events);
    world.waldur.clock = () => world.now - 5 * HOUR;
    await world.run(3, MINUTE);

    const last = (await world.windows()).at(-1);
    expect(Number(last?.to_s)).toBeLessThanOrEqual((world.now - 6 * HOUR) / 1_000);
    const { sentence } = await mirrorStatus(database(env.DB), world.now);
    expect(sentence).toBe("Waldur's clock is 18000 s behind ours.");
  });
});

it("a page that is too large is asked for in smaller ones", async () => {
  const large = Array.from({ length: 20 }, (_, n) =>
    theirEvent(`large ${n}`, 10 * DAY - n, { context: { text: "x".repeat(600_000) } }),
  );
  const world = await World.started([...events, ...large]);

  await world.run(6);

  const sizes = new Set(world.waldur.requests.map(({ query }) => query.get("page_size")));
  expect([...sizes].sort()).toEqual(["1", "10", "300", "50"].sort().filter((size) => sizes.has(size)));
  expect(sizes.has("10")).toBe(true);
  // Our limit of 64 KiB holds for them, which is reported.
  expect(await storedUuids()).toEqual(uuidsOf(events));
  expect((await world.differences()).map(({ kind }) => kind)).toEqual(Array(20).fill("refused"));
});
