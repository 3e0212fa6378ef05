import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Data } from "../../src/cli/backup/data.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { Collector } from "../feed/collector.ts";
import { deliver } from "../support/batch.ts";
import { linkOf } from "../support/big-log.ts";
import { expectExactCounters } from "../support/history.ts";
import { hook, queued, rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";
import { backedUp, data, type MemoryStore, restored } from "./memory.ts";

const EVENTS = 40;
/** Of the restore of `aBackup`: its beginning, one for each table, two for the counters, its end. */
const WRITES = 8;

/** A backup of events, a deletion and a member of staff, whose token it returns, too. The storage is empty then. */
async function aBackup(): Promise<{ backup: MemoryStore; token: string }> {
  const { token } = await aPerson({ staff: true });
  await recorded(...Array.from({ length: EVENTS }, () => anEvent({ context: { customer_uuid: hex("ours") } })));
  await env.DB.exec("DELETE FROM events WHERE id = 7");
  const backup = await backedUp({ partBytes: 2_000 });
  await emptyStorage();
  clearCaches();
  return { backup, token };
}

/** A database whose write of this number, from 1 on, fails before or after it is done, as where the process is killed. */
function aKilledDatabase(number: number, when: "before" | "after"): Partial<Data> {
  let writes = 0;
  const real = data();
  return {
    write: async (statements) => {
      writes += 1;
      if (writes === number && when === "before") throw new Error("killed");
      await real.write(statements);
      if (writes === number) throw new Error("killed");
    },
  };
}

const end = () => env.DB.prepare("SELECT last_change FROM commit_watermark").first("last_change");

describe("a restore that is killed", () => {
  it.each(
    Array.from({ length: WRITES }, (_, index) => index + 1).flatMap((number) => [
      { number, when: "before" as const },
      { number, when: "after" as const },
    ]),
  )("$when its write $number goes on when it is run again, and leaves nothing of the way", async ({ number, when }) => {
    const { backup } = await aBackup();
    await expect(restored(backup, aKilledDatabase(number, when))).rejects.toThrow("killed");

    if (number === WRITES && when === "after") await expect(restored(backup)).rejects.toThrow("is not empty");
    else expect((await restored(backup)).wasResumed).toBe(number > 1 || when === "after");

    expect(await rows("events")).toHaveLength(EVENTS - 1);
    expect(await end()).toBe(EVENTS + 1);
    await expectExactCounters();
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE name GLOB '*unfinished_restore*'",
    ).all();
    expect(results).toEqual([]);
  });

  it("is not taken for a whole one: nothing can be read, and what is accepted waits until it has ended", async () => {
    const { backup, token } = await aBackup();
    // Users and tokens are there.
    await expect(restored(backup, aKilledDatabase(WRITES, "before"))).rejects.toThrow("killed");

    for (const path of ["/api/events/", "/api/events/count/", "/api/events/feed/", "/api/events-stats/"]) {
      expect((await get(path, token)).status).toBeGreaterThanOrEqual(500);
    }
    const accepted = await queued(hook());
    expect(await deliver(accepted)).toEqual([{ retriedAfter: expect.any(Number) }]);
    await expect(backedUp()).rejects.toThrow("no such table");

    await restored(backup);
    await deliver(accepted);
    clearCaches();
    expect((await get("/api/events/count/", token)).status).toBe(200);
    expect(await rows("events")).toHaveLength(EVENTS);
    expect(await rows("dead_letters")).toEqual([]);
  });

  it("refuses another backup", async () => {
    const { backup: other } = await aBackup();
    const { backup } = await aBackup();
    await expect(restored(backup, aKilledDatabase(2, "after"))).rejects.toThrow("killed");

    await expect(restored(other)).rejects.toThrow(/has a part of another backup, whose SHA-256 is [\da-f]{64}/);
  });

  it("fails when two of them write at once", async () => {
    const { backup } = await aBackup();
    const real = data();
    const both: Partial<Data> = {
      read: async (statements) => {
        const found = await real.read(statements);
        if (found[0]?.[0]?.restoring === 0) await expect(restored(backup)).resolves.toMatchObject({});
        return found;
      },
    };

    await expect(restored(backup, both)).rejects.toThrow();

    expect(await rows("events")).toHaveLength(EVENTS - 1);
    await expectExactCounters();
  });
});

describe("a restore begins another incarnation:", () => {
  it("old ETags, page tokens and offsets are refused or asked again", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: EVENTS }, () => anEvent()));
    const list = await get("/api/events/", token);
    const next = linkOf(list, "next") ?? "";
    const reader = await new Collector(token).finish();
    const backup = await backedUp();
    await emptyStorage();
    clearCaches();
    const before = JSON.parse(backup.manifest ?? "").log.incarnation;

    await restored(backup, {}, before - 5);

    const [{ incarnation } = {}] = await rows("commit_watermark");
    expect(incarnation).toBeGreaterThan(before);
    const tag = list.headers.get("ETag") ?? "";
    expect((await get("/api/events/", token, { headers: { "If-None-Match": tag } })).status).toBe(200);
    expect((await get(next, token)).status).toBe(404);
    expect((await reader.step()).status).toBe(410);
    expect((await reader.finish()).uuids).toHaveLength(EVENTS);
  });

  it("the log goes on after its last number", async () => {
    const { backup } = await aBackup();
    await restored(backup);

    await recorded(anEvent());

    expect((await rows("events")).at(-1)?.id).toBe(EVENTS + 2);
  });
});

describe("a restore into a database that is not empty", () => {
  it.each([
    ["the log", "INSERT INTO log_changes (id, op, event_id) VALUES (1, 'removed', 1)"],
    ["the log", "UPDATE commit_watermark SET last_change = 1"],
    [
      "dead_letters",
      "INSERT INTO dead_letters (id, reason, detail, attempts, first_seen, last_seen) VALUES (1, '', '', 0, 0, 0)",
    ],
    ["event_types", "INSERT INTO event_types (id, name) VALUES (1000, 'odd')"],
    ["objects", "INSERT INTO objects (uuid, learned_at) VALUES ('a', 0)"],
    ["producers", "INSERT INTO producers (name, auth, secrets, created, updated) VALUES ('a', 'secret', '[]', 0, 0)"],
    ["users", "INSERT INTO users (uuid, username) VALUES ('a', 'a')"],
  ])("is refused, and names what has rows: %s", async (table, statement) => {
    const { backup } = await aBackup();
    await env.DB.exec(statement);

    await expect(restored(backup)).rejects.toThrow(`The database is not empty: there are rows in ${table}. Restore`);

    expect(await rows("events")).toEqual([]);
    expect(await rows("commit_watermark")).toHaveLength(1);
  });

  it("is refused where an event was stored after it has looked", async () => {
    const { backup } = await aBackup();
    const real = data();
    const late: Partial<Data> = {
      write: async (statements) => {
        if ((await rows("events")).length === 0) await recorded(anEvent());
        await real.write(statements);
      },
    };

    await expect(restored(backup, late)).rejects.toThrow("CHECK constraint failed");

    expect(await rows("events")).toHaveLength(1);
    expect(await rows("commit_watermark")).toHaveLength(1);
  });
});
