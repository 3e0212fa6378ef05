import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DEAD_LETTER_QUEUE_NAME as DEAD, INGEST_QUEUE_NAME as INGEST } from "../../../src/ingest/queue/names.ts";
import { MAX_ATTEMPTS } from "../../../src/ingest/settle.ts";
import { deliver } from "../../support/batch.ts";
import { hook, queued, queuedBy, rows } from "../../support/ingest.ts";
import { aQueue } from "../../support/queue.ts";
import { runMinute } from "../../support/world.ts";

const POISON =
  "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.message LIKE 'poison%' BEGIN SELECT RAISE(ABORT, 'no'); END";
const INGEST_SECRETS = JSON.stringify({
  honest: ["s"],
  stranger: ["s"],
  upstream: { secrets: ["s"], is_upstream: true },
});
const UUID = "0b5c1a4e000040008000000000000001";

/** Sends events without delivering them; returns the messages for the queue. */
const post = (producer: string, ...events: object[]) => queuedBy(producer, INGEST_SECRETS, ...events);

/** Delivers messages as often as it takes for them to become dead letters. */
async function died(bodies: readonly string[]) {
  const { queue, notes } = aQueue();
  await deliver(bodies, { INGEST_DEAD_LETTERS: queue }, { queue: INGEST, attempts: MAX_ATTEMPTS });
  await deliver(notes, {}, { queue: DEAD });
}

/** Marks all dead letters; returns the messages that the cron job sends to the queue. */
async function replayed(): Promise<string[]> {
  await env.DB.exec("UPDATE dead_letters SET state = 'replay' WHERE state IN ('dead', 'sent')");
  const { queue, bodies } = aQueue();
  await runMinute({ INGEST_QUEUE: queue });
  return bodies;
}

const discardAll = () => env.DB.exec("UPDATE dead_letters SET state = 'discarded', discarded = 1, body = ''");
const heal = () => env.DB.exec("DROP TRIGGER poison");
const states = async () => (await rows("dead_letters")).map(({ state }) => state);

/** The numbers of all producers and days: accepted, stored, duplicates, dead. Throws where they do not add up. */
async function numbers() {
  const all = await env.DB.prepare("SELECT producer, day, accepted, stored, duplicates, dead FROM ingest_days").all<
    Record<"accepted" | "stored" | "duplicates" | "dead", number>
  >();
  for (const day of all.results) expect(day.accepted, JSON.stringify(day)).toBe(day.stored + day.duplicates + day.dead);
  const sum = (name: "accepted" | "stored" | "duplicates" | "dead") =>
    all.results.reduce((total, day) => total + day[name], 0);
  return [sum("accepted"), sum("stored"), sum("duplicates"), sum("dead")];
}

describe("accepted events are stored, duplicate or dead", () => {
  it("after a dead letter is replayed and stored, however often it is delivered", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook(), hook({ message: "poison 1" }), hook({ message: "poison 2" })));
    expect(await numbers()).toEqual([3, 1, 0, 2]);
    await heal();
    const again = await replayed();
    await deliver([...again, ...again]);
    await deliver(again);
    expect(await numbers()).toEqual([3, 3, 0, 0]);
    expect(await states()).toEqual(["stored", "stored"]);
  });

  it("after a replay that dies again", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    await died(await replayed());
    expect(await numbers()).toEqual([1, 0, 0, 1]);
    expect(await states()).toEqual(["dead"]);
  });

  it("after the producer has sent the event again and the letter is replayed", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    await heal();
    await deliver(await queued(hook({ message: "poison" })));
    expect(await numbers()).toEqual([2, 1, 0, 1]);
    await deliver(await replayed());
    expect(await numbers()).toEqual([2, 1, 1, 0]);
  });

  it("after the event was stored by another message while the replay was on its way", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    const again = await replayed();
    await heal();
    await deliver(await queued(hook({ message: "poison" })));
    await runMinute({ INGEST_QUEUE: aQueue().queue });
    expect([await numbers(), await states()]).toEqual([[2, 1, 1, 0], []]);
    await deliver(again);
    expect(await numbers()).toEqual([2, 1, 1, 0]);
  });

  it("after a discard, also when the replay of the letter is delivered later", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    const again = await replayed();
    await discardAll();
    expect(await numbers()).toEqual([1, 0, 0, 1]);
    await heal();
    await deliver(again);
    expect([await numbers(), await states()]).toEqual([[1, 1, 0, 0], ["stored"]]);
  });

  it("after a discarded event has died again: it is dead once, and can be replayed", async () => {
    await env.DB.exec(POISON);
    await died(await queued(hook({ message: "poison" })));
    await discardAll();
    await died(await queued(hook({ message: "poison" })));
    expect([await numbers(), await states()]).toEqual([[1, 0, 0, 1], ["dead"]]);
    await heal();
    await deliver(await replayed());
    expect(await numbers()).toEqual([1, 1, 0, 0]);
    expect(await rows("events")).toMatchObject([{ message: "poison" }]);
  });

  it("after a conflict, its replay and its discard", async () => {
    const [first, second] = [await queued(hook({ uuid: UUID })), await queued(hook({ uuid: UUID, message: "Other" }))];
    await deliver([...first, ...second]);
    expect(await numbers()).toEqual([2, 1, 0, 1]);
    await deliver(await replayed());
    expect([await numbers(), await states()]).toEqual([[2, 1, 0, 1], ["dead"]]);
    await discardAll();
    expect(await numbers()).toEqual([2, 1, 0, 1]);
  });

  it("after a replay that is stored under another uuid, because another producer has taken its own", async () => {
    await env.DB.exec(POISON);
    await died(await post("honest", hook({ uuid: UUID, message: "poison" })));
    await heal();
    await deliver(await post("stranger", hook({ uuid: UUID, message: "Other" })));
    await deliver(await replayed());
    expect([await numbers(), await states()]).toEqual([[2, 2, 0, 0], ["stored"]]);
    await runMinute({ INGEST_QUEUE: aQueue().queue });
    expect(await states()).toEqual([]);
  });

  it("after a replay of an event that upstream has sent meanwhile", async () => {
    await env.DB.exec(POISON);
    await died(await post("honest", hook({ message: "poison" })));
    await heal();
    await deliver(await post("upstream", hook({ uuid: UUID, message: "poison" })));
    await deliver(await replayed());
    expect([await numbers(), await states()]).toEqual([[2, 1, 1, 0], ["stored"]]);
  });
});

it("an event that was stored, deleted and dies then is counted as dead again", async () => {
  await env.DB.exec(POISON);
  await died(await queued(hook({ message: "poison" })));
  await heal();
  await deliver(await replayed());
  await env.DB.exec("DELETE FROM events");
  await env.DB.exec(POISON);
  await died(await queued(hook({ message: "poison" })));
  expect([await numbers(), await states()]).toEqual([[2, 1, 0, 1], ["dead"]]);
});
