import { describe, expect, it } from "vitest";
import { consume } from "../../../src/ingest/consumer.ts";
import { packMessages } from "../../../src/ingest/queue/message.ts";
import { INGEST_QUEUE_NAME } from "../../../src/ingest/queue/names.ts";
import { usualGap } from "../../../src/ingest/statistics/pauses.ts";
import { aBatch } from "../../support/batch.ts";
import { aMeteredDatabase, rows } from "../../support/ingest.ts";
import { bindings, hex } from "../../support/world.ts";

const SECOND = 1_000_000;
const HOUR = 3_600 * SECOND;
const NOON = Date.UTC(2026, 10, 3, 12) * 1000;

const message = (producer: string, receivedAt: number, ...names: string[]) =>
  packMessages(
    { producer, receivedAt },
    names.map((name) => ({ uuid: hex(name), created: 0, eventType: "t", message: name, context: "{}" })),
  ).join();

/** Delivers messages in one batch; what it cost. */
async function consumed(...bodies: string[]) {
  const { DB, cost } = aMeteredDatabase();
  await consume(
    aBatch(
      INGEST_QUEUE_NAME,
      bodies.map((body) => ({ body })),
    ).batch,
    bindings({ DB }),
    NOON + 9 * HOUR,
  );
  return cost;
}

const days = async () =>
  (await rows("ingest_days")).map(({ producer, day, last_received, pauses }) => [
    ...[producer, day, Number(last_received) - NOON],
    JSON.parse(String(pauses)),
  ]);

describe("the pauses of a producer", () => {
  it("are kept by their length, within a delivery and between deliveries, for each producer by itself", async () => {
    await consumed(message("a", NOON, "1"), message("b", NOON + SECOND, "2"), message("a", NOON + 4 * SECOND, "3"));
    await consumed(message("a", NOON + 64 * SECOND, "4"), message("a", NOON + 65 * SECOND, "5"));

    expect(await days()).toEqual([
      ["a", "2026-11-03", 65 * SECOND, { 1: 1_000, 5: 4_000, 60: 60_000 }],
      ["b", "2026-11-03", SECOND, {}],
    ]);
  });

  it("reach back over days, and belong to the day on which they ended", async () => {
    await consumed(message("a", NOON - 62 * HOUR, "1"));
    await consumed(message("a", NOON, "2"));

    expect(await days()).toEqual([
      ["a", "2026-10-31", -62 * HOUR, {}],
      ["a", "2026-11-03", 0, { 259200: 62 * 3_600_000 }],
    ]);
  });

  it("are the same when a message is delivered again, or late", async () => {
    const late = message("a", NOON + SECOND, "2");
    const last = message("a", NOON + 30 * SECOND, "3");
    await consumed(message("a", NOON, "1"));
    await consumed(last);
    const before = await days();
    await consumed(late, last);

    expect(before).toEqual([["a", "2026-11-03", 30 * SECOND, { 30: 30_000 }]]);
    expect(await days()).toEqual(before);
  });

  it("cost no row written, and few rows read", async () => {
    const first = await consumed(message("a", NOON, "1"));
    const second = await consumed(message("a", NOON + SECOND, "2"));

    // As many as before there were pauses. The first event has a new type, and a look back at the days before.
    expect([first.rowsWritten, second.rowsWritten]).toEqual([12, 10]);
    expect([first.rowsRead, second.rowsRead]).toEqual([87, 70]);
  });
});

describe("the usual gap", () => {
  const busy = { 10: 86_400_000 };
  const week = Array<Record<string, number>>(7).fill(busy);

  it("is that in which 95 % of the time lies, so that one outage is not usual, and every night is", () => {
    const night = { 10: 36_000_000, 64800: 50_400_000 };

    expect(usualGap([...week, { ...busy, 7200: 7_200_000 }])).toBe(10);
    expect(usualGap(Array<Record<string, number>>(7).fill(night))).toBe(64_800);
  });

  it("is known after a week", () => {
    expect(usualGap(week)).toBe(10);
    expect(usualGap(week.slice(1))).toBeUndefined();
    expect(usualGap([])).toBeUndefined();
  });
});
