import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type Database, database, runBatch as runStatements } from "../../../src/db/client.ts";
import type { NewEvent } from "../../../src/events/event.ts";
import { deleteOldest } from "../../../src/events/log/retention.ts";
import { recordEvents } from "../../../src/events/write/record.ts";
import { writeEvents } from "../../../src/ingest/write.ts";
import { gaps, LogReader, storedIds } from "../../support/log-reader.ts";
import { Random } from "../../support/random.ts";
import { anEvent, hex } from "../../support/world.ts";

/** Batches of the long run. `SEQUENCE_BATCHES=20000 npm exec -- vitest run … test/events/log` runs more. */
const BATCHES = Number(env.SEQUENCE_BATCHES);
const SEED = 20_261_125;
/** Ends the test when it hangs. */
const LIMIT_MS = 600_000 + 300 * BATCHES;

/** Few at a time, so that events meet again: as duplicates, as conflicts, with and without an id. */
const CONTENTS = 40;
/** Batches in which the oldest of them is replaced by another. */
const BATCHES_OF_CONTENT = 2;
const PRODUCERS = ["waldur", "plain", "other"];

/** A content that its producer names or does not, mostly one that there has been before. */
function someEvent(random: Random, batch: number): NewEvent {
  const anyContent = () => Math.floor(batch / BATCHES_OF_CONTENT) + random.int(CONTENTS);
  const message = `Event ${anyContent()}`;
  const producer = random.pick(PRODUCERS);
  const content = hex(message);
  const event = { created: (1_750_000_000 + random.int(CONTENTS)) * 1_000_000, message, producer };
  const isUpstream = producer === "waldur";
  const context = { customer_uuid: random.pick(["a", "b"]).repeat(32) };
  if (random.oneIn(2)) return anEvent({ ...event, context, uuid: content, isUpstream });
  // Ids of a content, and now and then the id of another.
  const uuid = hex(`id ${random.oneIn(8) ? `Event ${anyContent()}` : message}`);
  return anEvent({ ...event, context, uuid, content, isUpstream });
}

/** The same database, in which every batch fails at its end: nothing of it stays. */
const aFailingEnd = (): Database =>
  database({
    prepare: (text) => env.DB.prepare(text),
    batch: (statements) =>
      env.DB.batch([...statements, env.DB.prepare("INSERT INTO commit_watermark (singleton, last_id) VALUES (2, 0)")]),
  });

async function runOne(random: Random, batch: number): Promise<"failed" | "written" | "deleted" | "retained"> {
  const events = Array.from({ length: 1 + random.int(8) }, () => someEvent(random, batch));
  if (random.oneIn(10)) {
    await expect(recordEvents(aFailingEnd(), events)).rejects.toThrow("CHECK");
    return "failed";
  }
  if (random.oneIn(12)) {
    await env.DB.prepare("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY uuid LIMIT ?)")
      .bind(random.int(4))
      .run();
    return "deleted";
  }
  if (random.oneIn(40)) {
    await runStatements(database(env.DB), deleteOldest(Number.MAX_SAFE_INTEGER, 1 + random.int(20)));
    return "retained";
  }
  await writeEvents(
    env.DB,
    events.map((event) => ({ event, replay: false })),
    0,
  );
  return "written";
}

it(
  `the entries of ${BATCHES} random batches are numbered without gaps, in the order of the commits`,
  async () => {
    const random = new Random(SEED);
    const [every, rare] = [new LogReader(), new LogReader()];
    const seen = { failed: 0, written: 0, deleted: 0, retained: 0, entries: new Map<string, number>() };
    for (let batch = 0; batch < BATCHES; batch++) {
      const end = every.position;
      const outcome = await runOne(random, batch);
      seen[outcome] += 1;
      const entries = await every.read();
      // An event that is new and deleted in between would leave a gap here; a batch does not do both.
      expect(entries.map(({ id }) => id)).toEqual(entries.map((_, index) => end + 1 + index));
      if (outcome === "failed") expect(entries).toEqual([]);
      for (const { op } of entries) seen.entries.set(op, (seen.entries.get(op) ?? 0) + 1);
      if (random.oneIn(50)) {
        await rare.read();
        expect(rare.held()).toEqual(await storedIds());
      }
    }
    await rare.read();
    expect(every.held()).toEqual(await storedIds());
    expect(rare.held()).toEqual(every.held());
    expect(await gaps()).toBe(0);
    // The batches were no empty ones.
    for (const count of [seen.failed, seen.written, seen.deleted]) expect(count).toBeGreaterThan(BATCHES / 30);
    expect(seen.entries.get("period")).toBeGreaterThan(BATCHES / 100);
    for (const op of ["event", "identity", "removed"]) expect(seen.entries.get(op), op).toBeGreaterThan(BATCHES / 30);
  },
  LIMIT_MS,
);
