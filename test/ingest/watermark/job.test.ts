import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env.ts";
import { holdOutside, holdUnseen } from "../../../src/ingest/watermark/hold.ts";
import { watchCompleteness } from "../../../src/ingest/watermark/job.ts";
import { stopClock } from "../../support/clock.ts";
import { aQueue, aRefusingQueue, asQueue } from "../../support/queue.ts";
import { anEvent, recorded } from "../../support/world.ts";
import { MINUTE, mark, NOON, NOW, through, watched, writeMark } from "./marks.ts";

/** Runs the job at a time, with queues whose oldest messages are of these times. */
async function job(at: number, { main, dead, ...changed }: Partial<Env> & { main?: number; dead?: number } = {}) {
  vi.setSystemTime(at);
  const queue = (oldest?: number) => {
    const metrics = oldest === undefined ? { backlogCount: 0 } : { backlogCount: 1, oldestMessageTimestamp: oldest };
    return asQueue({ ...aQueue().queue, metrics: async () => metrics });
  };
  await watchCompleteness({ ...env, INGEST_QUEUE: queue(main), INGEST_DEAD_LETTERS: queue(dead), ...changed });
}

/** The bucket of an isolate that remembers nothing. */
const aBucket = () => watched(() => undefined);

const spilled = { reason: "spilled" as const, since: NOW, until: NOW };

describe("a hold ends", () => {
  it("when R2 is empty after it, and then both queues have nothing older", async () => {
    stopClock(NOON);
    await writeMark({ outside: spilled });
    await env.SPILL.put("spill/a", "[]");
    await job(NOW + MINUTE);
    expect((await mark())?.outside).toEqual(spilled);
    await env.SPILL.delete("spill/a");
    await job(NOW + 2 * MINUTE);
    expect((await mark())?.outside).toEqual({ ...spilled, emptyAt: NOW + 2 * MINUTE });
    await job(NOW + 3 * MINUTE, { main: NOW + 2 * MINUTE + 2_000 });
    await job(NOW + 3 * MINUTE, { dead: NOW + 2 * MINUTE });
    await job(NOW + 3 * MINUTE, { INGEST_QUEUE: aRefusingQueue() });
    expect((await mark())?.outside).not.toBeNull();
    await job(NOW + 3 * MINUTE, { main: NOW + 2 * MINUTE + 2_001 });
    expect((await mark())?.outside).toBeNull();
  });

  it.each([["spill/"], ["dead/"], ["unreadable/spill/"]])("not while anything is below %s", async (prefix) => {
    stopClock(NOON);
    await writeMark({ outside: spilled });
    await env.SPILL.put(`${prefix}a`, "[]");
    await job(NOW + MINUTE);
    expect((await mark())?.outside).toEqual(spilled);
  });

  it("not before its time, in which more may be spilled without a word", async () => {
    stopClock(NOON);
    await writeMark({ outside: { ...spilled, until: NOW + MINUTE } });
    await job(NOW + MINUTE);
    expect((await mark())?.outside?.emptyAt).toBeUndefined();
  });

  it("not while messages that left R2 may wait for a retry, or metrics may be as old as that", async () => {
    stopClock(NOON);
    const outside = { ...spilled, emptyAt: NOW };
    await writeMark({ outside, unseen: { reason: "retried", since: NOW, until: NOW + MINUTE - 5_000 } });
    await job(NOW + MINUTE);
    expect((await mark())?.outside).toEqual(outside);
    await writeMark({ outside });
    await job(NOW + 5_000);
    expect((await mark())?.outside).toEqual(outside);
  });

  it("not when another one begins while the job looks: the request comes before the answer", async () => {
    stopClock(NOON);
    await writeMark({ outside: { ...spilled, emptyAt: NOW } });
    const SPILL = watched(async (call) => {
      if (call === "put") await holdOutside(aBucket(), "spilled", "late");
    });
    await job(NOW + MINUTE, { SPILL });
    expect((await mark())?.outside).toMatchObject({ reason: "spilled", until: NOW + 2 * MINUTE });
    expect((await mark())?.outside?.emptyAt).toBeUndefined();
  });

  it("not by two jobs at once of which one has seen an older mark", async () => {
    stopClock(NOON);
    await writeMark({ outside: { ...spilled, emptyAt: NOW } });
    let isFirst = true;
    const SPILL = watched(async (call) => {
      if (call !== "put" || !isFirst) return;
      isFirst = false;
      await job(NOW + MINUTE);
      await holdOutside(aBucket(), "dead");
    });
    await job(NOW + MINUTE, { SPILL });
    expect((await mark())?.outside?.reason).toBe("dead");
  });
});

describe("several holds at once", () => {
  it("are kept together, and the longest counts", async () => {
    stopClock(NOON);
    await writeMark();
    const [one, two] = [aBucket(), aBucket()];
    await Promise.all([holdOutside(one, "spilled", "a"), holdUnseen(two, "retried", 900), holdOutside(two, "dead")]);
    await holdUnseen(one, "retried", 5);
    const held = await mark();
    expect([held?.outside?.until, held?.unseen.until]).toEqual([NOW + MINUTE, NOW + 920_000]);
  });

  it("are written once by an isolate while the first one lasts", async () => {
    stopClock(NOON);
    await writeMark();
    const calls: string[] = [];
    const bucket = watched((call) => calls.push(call));
    for (let second = 0; second <= 45; second++) await holdOutside(bucket, "spilled", "a", NOW + second * 1_000);
    expect(calls).toEqual(["get", "put"]);
    await holdOutside(bucket, "spilled", "a", NOW + 45_001);
    expect((await mark())?.outside).toMatchObject({ since: NOW, until: NOW + 105_001 });
  });
});

describe("the job", () => {
  it("raises the watermark when nothing comes, by at most a row, and only by much", async () => {
    stopClock(NOON);
    await writeMark();
    await job(NOW + MINUTE);
    expect(await through()).toBe(NOW + MINUTE - 7_000);
    await job(NOW + MINUTE + 30_000);
    expect(await through()).toBe(NOW + MINUTE - 7_000);
    await job(NOW + 2 * MINUTE, { main: NOW + MINUTE + 40_000 });
    expect(await through()).toBe(NOW + MINUTE + 38_000);
  });

  it("does not raise it while a dead message waits, the metrics are unknown or a hold begins meanwhile", async () => {
    stopClock(NOON);
    await writeMark();
    await job(NOW + MINUTE, { dead: NOW + MINUTE });
    await job(NOW + MINUTE, { INGEST_QUEUE: aRefusingQueue() });
    const metrics = async () => {
      await holdUnseen(aBucket(), "retried", 5);
      return { backlogCount: 0 };
    };
    await job(NOW + MINUTE, { INGEST_QUEUE: asQueue({ ...aQueue().queue, metrics }) });
    expect(await through()).toBe(0);
  });

  it("lets the watermark of a new log begin after two minutes, and of an older one later", async () => {
    stopClock(NOON);
    for (const minute of [0, 1, 2, 3]) await job(NOW + minute * MINUTE);
    expect([(await mark())?.outside, await through()]).toEqual([null, NOW + 3 * MINUTE - 7_000]);
    await recorded(anEvent());
    await env.SPILL.delete("watermark/mark.json");
    for (let minute = 4; minute < 20; minute++) await job(NOW + minute * MINUTE);
    expect((await mark())?.outside).toMatchObject({ reason: "unknown", since: NOW + 4 * MINUTE });
    for (let minute = 20; minute < 24; minute++) await job(NOW + minute * MINUTE);
    expect((await mark())?.outside).toBeNull();
  });

  it("confirms the mark every five minutes, and doubts it when it has not run for long", async () => {
    stopClock(NOON);
    await writeMark();
    await job(NOW + 4 * MINUTE);
    expect((await mark())?.at).toBe(NOW);
    await job(NOW + 5 * MINUTE);
    expect(await mark()).toMatchObject({ at: NOW + 5 * MINUTE, outside: null });
    await recorded(anEvent());
    await job(NOW + 20 * MINUTE);
    expect((await mark())?.outside).toMatchObject({ reason: "unknown", until: NOW + 36 * MINUTE });
  });
});
