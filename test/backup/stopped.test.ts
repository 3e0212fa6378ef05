import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { backUp } from "../../src/cli/backup/save.ts";
import { database, runBatch } from "../../src/db/client.ts";
import { beginIncarnation } from "../../src/events/log/incarnation.ts";
import { rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, recorded } from "../support/world.ts";
import { backedUp, bodies, data, MemoryStore, newDigest, restored } from "./memory.ts";

const EVENTS = 40;
const PART_BYTES = 2_000;

const run = (store: MemoryStore, changed = {}) =>
  backUp({
    ...{ data: data(), store, bodies, newDigest, now: () => "2026-11-25T00:00:00Z", partBytes: PART_BYTES },
    ...{ partSize: { entries: 10, bytes: 10_000 }, ...changed },
  });

async function aLog(): Promise<void> {
  await aPerson({ staff: true });
  await recorded(...Array.from({ length: EVENTS }, () => anEvent()));
  await env.DB.exec("DELETE FROM events WHERE id = 7");
}

/** A store into which the part of this number, from 1 on, is written up to its middle only. */
class BrokenStore extends MemoryStore {
  #left: number;

  constructor(parts: number) {
    super();
    this.#left = parts;
  }

  override async append(part: Uint8Array): Promise<void> {
    this.#left -= 1;
    if (this.#left !== 0) return super.append(part);
    await super.append(part.slice(0, part.length / 2));
    throw new Error("killed");
  }
}

describe("a backup that is stopped", () => {
  it.each([1, 2, 3, 5, 6])("in the middle of part %i is the same when it is run again", async (parts) => {
    await aLog();
    const whole = await backedUp({ partBytes: PART_BYTES });
    const store = new BrokenStore(parts);
    await expect(run(store)).rejects.toThrow("killed");
    expect(store.manifest).toBeUndefined();
    await expect(restored(store)).rejects.toThrow("the backup is not complete");

    await run(store);

    expect(store.content).toEqual(whole.content);
    expect(store.manifest).toBe(whole.manifest);
  });

  it("before its manifest was written, has what came since when it is run again", async () => {
    await aLog();
    const store = new MemoryStore();
    store.writeManifest = () => Promise.reject(new Error("killed"));
    await expect(run(store)).rejects.toThrow("killed");
    await recorded(anEvent({ message: "Later" }));
    await env.DB.exec("DELETE FROM events WHERE id = 9");
    store.writeManifest = MemoryStore.prototype.writeManifest;

    await run(store);

    const before = await rows("events");
    await emptyStorage();
    await restored(store);
    expect(await rows("events")).toEqual(before);
  });

  it("does not read the log again", async () => {
    await aLog();
    const store = new BrokenStore(5);
    await expect(run(store)).rejects.toThrow("killed");
    const read: number[] = [];
    const real = data();
    const watched = data({
      read: async (statements) => {
        const found = await real.read(statements);
        const [, events = []] = found;
        read.push(...events.map(({ id }) => Number(id)));
        return found;
      },
    });

    await run(store, { data: watched });

    expect(Math.min(...read)).toBeGreaterThan(15);
  });

  it.each<[what: string, change: () => Promise<unknown>]>([
    ["the log has another incarnation", () => runBatch(database(env.DB), [beginIncarnation(5_000_000_000_000)])],
    ["the database has another log", () => emptyStorage()],
  ])("is not gone on with when %s", async (_, change) => {
    await aLog();
    const store = new BrokenStore(5);
    await expect(run(store)).rejects.toThrow("killed");
    await change();

    await expect(run(store)).rejects.toThrow("memory has a part of another log");
  });

  it("is not gone on with when it is a file of something else", async () => {
    const store = new MemoryStore();
    store.content = new TextEncoder().encode("Dear Ada") as typeof store.content;

    await expect(run(store)).rejects.toThrow("memory is there, and is no backup. Give another name, or delete it.");

    expect(store.content).toHaveLength(8);
  });
});

it("a complete backup is not written again", async () => {
  await aLog();
  const store = await backedUp();
  const { content } = store;

  await expect(run(store)).rejects.toThrow("memory is a complete backup. Give another name, or delete it.");

  expect(store.content).toBe(content);
});

it("a backup of a log that gets another incarnation meanwhile is given up", async () => {
  await aLog();
  const real = data();
  let reads = 0;
  const renewed = data({
    read: async (statements) => {
      reads += 1;
      if (reads === 3) await runBatch(database(env.DB), [beginIncarnation(5_000_000_000_000)]);
      return real.read(statements);
    },
  });

  await expect(run(new MemoryStore(), { data: renewed })).rejects.toThrow("has a part of another log");
});

it("a backup reads a bounded number of rows for an event", async () => {
  await recorded(
    ...Array.from({ length: 300 }, () =>
      anEvent({ context: { customer_uuid: "a".repeat(32), project_uuid: "b".repeat(32) } }),
    ),
  );
  let read = 0;
  const metered = data({
    read: async (statements) => {
      const results = await runBatch(database(env.DB), statements);
      for (const { meta } of results) read += meta.rows_read;
      return results.map(({ results: rows }) => rows as Record<string, string | number | null>[]);
    },
  });

  await run(new MemoryStore(), { data: metered, partSize: { entries: 100, bytes: 1e6 } });

  expect(read / 300).toBeLessThan(15);
});
