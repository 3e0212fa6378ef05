import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { changeIds, endChanges, markEnd } from "../../src/events/log/sequence.ts";
import { expectExactCounters } from "../support/history.ts";
import { rows } from "../support/ingest.ts";
import { gaps } from "../support/log-reader.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, hex, recorded } from "../support/world.ts";
import { backedUp, data, restored } from "./memory.ts";

/** Gives a stored event another uuid, in an entry of its own. */
const change = (id: number, uuid: string, upstream = 0) =>
  runBatch(database(env.DB), [
    markEnd(),
    ...changeIds(sql`SELECT ${id} AS id, ${uuid} AS uuid, ${upstream} AS upstream, 0 AS place`),
    ...endChanges,
  ]);

const remove = (id: number) => env.DB.exec(`DELETE FROM events WHERE id = ${id}`);

const everything = async () => [
  await rows("events"),
  await rows("event_scopes"),
  await rows("log_changes"),
  await rows("change_index"),
];

/** Makes a backup that reads an entry at a time, with something that happens after the entry `after` was read. */
async function backedUpWhile(after: number, happens: () => Promise<void>) {
  const real = data();
  let parts = -1;
  return backedUp({
    partSize: { entries: 1, bytes: 1 },
    data: data({
      read: async (statements) => {
        const found = await real.read(statements);
        if (parts++ === after - 1) await happens();
        return found;
      },
    }),
  });
}

/** Events with the ids 1, 2, 3 … and these uuids. */
const events = (...names: string[]) =>
  recorded(...names.map((name) => anEvent({ uuid: hex(name), context: { customer_uuid: hex("ours") } })));

describe("an event whose line is in the backup before", () => {
  it.each<[what: string, names: string[], after: number, happens: () => Promise<unknown>]>([
    ["it takes another uuid, is so at the end", ["a", "b"], 1, () => change(1, hex("c"), 1)],
    ["it is deleted, is gone at the end", ["a", "b"], 1, () => remove(1)],
    [
      "it is deleted with a period, is gone at the end",
      ["a", "b", "c"],
      2,
      () => runBatch(database(env.DB), deleteOldest(Number.MAX_SAFE_INTEGER, 2)),
    ],
    [
      "another event takes its uuid, and the line of that one comes later, has the new one",
      ["a", "b"],
      1,
      async () => {
        await change(1, hex("c"));
        await change(2, hex("a"));
      },
    ],
    [
      "a new event takes its uuid, has the new one",
      ["a", "b"],
      1,
      async () => {
        await change(1, hex("c"));
        await events("a");
      },
    ],
    [
      "it takes a uuid that an event with an earlier line has had, has it",
      ["a", "b", "c"],
      2,
      async () => {
        await change(1, hex("d"));
        await change(2, hex("a"));
      },
    ],
    [
      "it has had a uuid for a while that an event with a later line has now, has its last one",
      ["a", "b", "c"],
      1,
      async () => {
        await change(1, hex("d"));
        await change(1, hex("e"));
        await change(2, hex("d"));
      },
    ],
    [
      "it changes and changes back, is as before",
      ["a", "b"],
      1,
      async () => {
        await change(1, hex("c"));
        await change(2, hex("a"));
        await change(2, hex("d"));
        await change(1, hex("a"));
      },
    ],
    [
      "it changes, is deleted, and is stored once more, is the new one",
      ["a", "b"],
      1,
      async () => {
        await change(1, hex("c"));
        await remove(1);
        await events("a", "c");
      },
    ],
  ])("%s", async (_, names, after, happens) => {
    await events(...names);

    const backup = await backedUpWhile(after, async () => {
      await happens();
    });
    const end = await everything();
    await emptyStorage();
    await restored(backup);

    expect(await everything()).toEqual(end);
    await expectExactCounters();
    expect(await gaps()).toBe(0);
  });
});
