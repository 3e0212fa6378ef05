import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type Database, database } from "../../../src/db/client.ts";
import type { NewEvent } from "../../../src/events/event.ts";
import { recordEvents } from "../../../src/events/write/record.ts";
import { writeEvents } from "../../../src/ingest/write.ts";
import { Random } from "../../support/random.ts";
import { anEvent, hex } from "../../support/world.ts";

/** Batches of the long run. `SEQUENCE_BATCHES=20000 npm exec -- vitest run … test/events/log` runs more. */
const BATCHES = Number(env.SEQUENCE_BATCHES);
const SEED = 20_261_125;

/** Few of each, so that events meet again: as duplicates, as conflicts, with and without an id. */
const CONTENTS = 40;
const PRODUCERS = ["waldur", "plain", "other"];

/** A content that its producer names or does not, often one that there has been before. */
function someEvent(random: Random, batch: number): NewEvent {
  const message = random.oneIn(3) ? `New ${batch} ${random.int(1_000)}` : `Event ${random.int(CONTENTS)}`;
  const producer = random.pick(PRODUCERS);
  const content = hex(message);
  const event = { created: (1_750_000_000 + random.int(CONTENTS)) * 1_000_000, message, producer };
  const isUpstream = producer === "waldur";
  const context = { customer_uuid: random.pick(["a", "b"]).repeat(32) };
  if (random.oneIn(2)) return anEvent({ ...event, context, uuid: content, isUpstream });
  // Ids of a content, and now and then the id of another.
  const uuid = hex(`id ${random.oneIn(8) ? random.int(CONTENTS) : message}`);
  return anEvent({ ...event, context, uuid, content, isUpstream });
}

/** The same database, in which every batch fails at its end: nothing of it stays. */
const aFailingEnd = (): Database =>
  database({
    prepare: (text) => env.DB.prepare(text),
    batch: (statements) =>
      env.DB.batch([...statements, env.DB.prepare("INSERT INTO commit_watermark (singleton, last_id) VALUES (2, 0)")]),
  });

interface Entry {
  id: number;
  op: string;
  event: number;
  uuid: string;
}

/** The entries of the log after a number, as a reader who knows nothing else takes them. */
async function entriesAfter(after: number): Promise<Entry[]> {
  const { results } = await env.DB.prepare(
    `SELECT id, 'event' AS op, id AS event, uuid FROM events WHERE id > ?1
      UNION ALL SELECT id, op, event_id, uuid FROM log_changes WHERE id > ?1 ORDER BY id`,
  )
    .bind(after)
    .all<Entry>();
  return results;
}

/** Follows the log: what it holds is always what the list would show. */
class Reader {
  readonly uuids = new Map<number, string>();
  position = 0;

  async read(): Promise<Entry[]> {
    const entries = await entriesAfter(this.position);
    for (const { id, op, event, uuid } of entries) {
      if (op === "removed") this.uuids.delete(event);
      else this.uuids.set(event, uuid);
      this.position = id;
    }
    return entries;
  }
}

async function stored(): Promise<Map<number, string>> {
  const { results } = await env.DB.prepare("SELECT id, uuid FROM events ORDER BY id").all<{
    id: number;
    uuid: string;
  }>();
  return new Map(results.map(({ id, uuid }) => [id, uuid]));
}

async function runBatch(random: Random, batch: number): Promise<"failed" | "written" | "deleted"> {
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
  await writeEvents(
    env.DB,
    events.map((event) => ({ event, replay: false })),
    0,
  );
  return "written";
}

it(`the entries of ${BATCHES} random batches are numbered without gaps, in the order of the commits`, async () => {
  const random = new Random(SEED);
  const [every, rare] = [new Reader(), new Reader()];
  const seen = { failed: 0, written: 0, deleted: 0, entries: new Map<string, number>() };
  for (let batch = 0; batch < BATCHES; batch++) {
    const end = every.position;
    const outcome = await runBatch(random, batch);
    seen[outcome] += 1;
    const entries = await every.read();
    // An event that is new and deleted in between would leave a gap here; a batch does not do both.
    expect(entries.map(({ id }) => id)).toEqual(entries.map((_, index) => end + 1 + index));
    if (outcome === "failed") expect(entries).toEqual([]);
    for (const { op } of entries) seen.entries.set(op, (seen.entries.get(op) ?? 0) + 1);
    if (random.oneIn(50)) {
      await rare.read();
      expect(rare.uuids).toEqual(await stored());
    }
  }
  await rare.read();
  const all = await stored();
  expect([...every.uuids].sort(([a], [b]) => a - b)).toEqual([...all]);
  expect(rare.uuids).toEqual(every.uuids);
  // The batches were no empty ones.
  for (const count of [seen.failed, seen.written, seen.deleted]) expect(count).toBeGreaterThan(BATCHES / 30);
  for (const op of ["event", "identity", "removed"]) expect(seen.entries.get(op), op).toBeGreaterThan(BATCHES / 30);
});
