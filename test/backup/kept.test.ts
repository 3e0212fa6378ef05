/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import type { Data } from "../../src/cli/backup/data.ts";
import { ALL_TABLES, nameOf, REFILLED_TABLES } from "../../src/cli/backup/tables.ts";
import { DERIVED_TABLES, LOG_TABLES } from "../../src/events/backup/tables.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { bodyKey } from "../../src/ingest/queue/keys.ts";
import { deliver } from "../support/batch.ts";
import { rows } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { emptyStorage, keysBelow } from "../support/storage.ts";
import { anEvent, get, hex, recorded, runMinute } from "../support/world.ts";
import { backedUp, bodies, data, type MemoryStore, restored } from "./memory.ts";

const [readme = ""] = Object.values(
  import.meta.glob<string>("../../src/cli/backup/README.md", { query: "?raw", import: "default", eager: true }),
);

/** Limits of D1, in bytes: https://developers.cloudflare.com/d1/platform/limits/. */
const [MAX_STATEMENT, MAX_VALUE] = [100_000, 2_000_000];

const dialect = new SQLiteAsyncDialect();

/** The database, which refuses what D1 would: statements, values and numbers of parameters that are too large. */
const limited = (): Partial<Data> => ({
  write: async (statements) => {
    const texts = statements.map((statement) => dialect.sqlToQuery(statement.getSQL()));
    for (const { sql, params } of texts)
      expect([sql.length < MAX_STATEMENT, params.length < 100]).toEqual([true, true]);
    await data().write(statements);
    const slice = "SELECT coalesce(sum(octet_length(piece)), 0) AS n FROM unfinished_restore_slice";
    const [row] = (
      await env.DB.prepare(slice)
        .all()
        .catch(() => ({ results: [] }))
    ).results;
    expect(Number(row?.n ?? 0)).toBeLessThan(MAX_VALUE);
  },
});

async function restoredInto(backup: MemoryStore): Promise<void> {
  await emptyStorage();
  clearCaches();
  await restored(backup, limited());
}

const aLetter = (id: string, more: Record<string, string | number | null> = {}) => {
  const row = { id, reason: "refused", detail: "", attempts: 1, first_seen: 1, last_seen: 2, body: "a body", ...more };
  const columns = Object.keys(row);
  return env.DB.prepare(`INSERT INTO dead_letters (${columns}) VALUES (${columns.map(() => "?")})`)
    .bind(...Object.values(row))
    .run();
};

it("every table is of the log, kept row by row, or computed again, and the README says so", async () => {
  const { results } = await env.DB.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')",
  ).all<{ name: string }>();
  const names = results.map(({ name }) => name).filter((name) => !/^(sqlite_|_cf_|d1_migrations)/.test(name));
  const known = [...LOG_TABLES, ...DERIVED_TABLES, ...REFILLED_TABLES, ...ALL_TABLES.map(nameOf)];

  expect(known.toSorted()).toEqual(names.toSorted());
  for (const name of names) expect(readme).toContain(`\`${name}\``);
});

describe("after a backup and a restore", () => {
  it("every kept table has the same rows, but for keys of signing producers and messages that were on their way", async () => {
    await aPerson({ staff: true, lifetime: 60 });
    await aPerson({ roles: [{ scope: hex("ours"), expires: 5 }] });
    await recorded(anEvent({ eventType: "customer_creation_succeeded", context: { customer_uuid: hex("ours") } }));
    await recorded(anEvent({ eventType: "odd", producer: "crm" }));
    await env.DB.batch(
      [
        "INSERT INTO object_moves VALUES (7, 'a', 'b', 'c', 'waldur', 'd', 9)",
        "INSERT INTO ingest_days (producer, day, accepted) VALUES ('waldur', '2026-07-01', 3)",
        "INSERT INTO ingest_rejections VALUES ('waldur', '2026-07-01', 'size', 3)",
        `INSERT INTO producers (name, auth, secrets, types, created, updated) VALUES ('crm', 'secret', '["ab"]', '["a_*"]', 1, 2)`,
        `INSERT INTO producers (name, auth, secrets, created, updated) VALUES ('hub', 'github', '["a key"]', 1, 2)`,
      ].map((statement) => env.DB.prepare(statement)),
    );
    for (const state of ["dead", "replay", "sent", "stored", "discarded"]) await aLetter(hex(state), { state });
    const before = new Map<string, unknown[]>();
    for (const kept of ALL_TABLES) before.set(nameOf(kept), await rows(nameOf(kept)));

    await restoredInto(await backedUp());

    for (const [name, all] of before) {
      expect(all.length, name).toBeGreaterThan(name === "earlier_types" ? -1 : 0);
      const expected = JSON.stringify(all).replace('"sent"', '"replay"').replace('[\\"a key\\"]', "[]");
      expect(JSON.stringify(await rows(name)), name).toBe(expected);
    }
  });

  it("nothing in the backup is a secret that opens something", async () => {
    const { token } = await aPerson({ staff: true });
    await env.DB.exec(
      `INSERT INTO producers (name, auth, secrets, created, updated) VALUES ('hub', 'github', '["the key of hub"]', 1, 2)`,
    );
    const [{ feed_key } = {}] = await rows("commit_watermark");

    const text = new TextDecoder().decode((await backedUp()).content);

    for (const secret of [token, "the key of hub", String(feed_key)]) expect(text).not.toContain(secret);
  });

  it("a restore names the producers that need a key", async () => {
    await env.DB.exec(
      `INSERT INTO producers (name, auth, secrets, created, updated) VALUES ('hub', 'github', '["a"]', 1, 2), ('crm', 'secret', '["b"]', 1, 2)`,
    );
    const backup = await backedUp();
    await emptyStorage();

    expect((await restored(backup)).withoutKeys).toEqual(["hub"]);
  });

  it("a dead letter whose body is in the bucket has it there, and one without a body is kept without", async () => {
    const large = `õ${"x".repeat(100_000)}`;
    await aLetter(hex("large"), { body: null });
    await aLetter(hex("gone"), { body: null });
    await env.SPILL.put(bodyKey(hex("large")), large);

    await restoredInto(await backedUp());

    expect((await rows("dead_letters")).map(({ id, body }) => [id, body])).toEqual([
      [hex("gone"), null],
      [hex("large"), null],
    ]);
    expect(await bodies.get(hex("large"))).toBe(large);
    expect(await keysBelow("bodies/")).toHaveLength(1);
  });

  it("an event that was dead when the backup began, and stored before it ended, is in it", async () => {
    const real = data();
    await aLetter(hex("letter"));
    let reads = 0;
    const backup = await backedUp({
      data: data({
        read: async (statements) => {
          const found = await real.read(statements);
          reads += 1;
          // After the log was read for the first time, and then after the dead letters were.
          if (reads === 2 || reads === 3) await recorded(anEvent({ message: `Stored after read ${reads}` }));
          if (reads === 3) await env.DB.exec("DELETE FROM dead_letters");
          return found;
        },
      }),
    });

    await restoredInto(backup);

    expect((await rows("events")).map(({ message }) => message)).toEqual([
      "Stored after read 2",
      "Stored after read 3",
    ]);
    expect(await rows("dead_letters")).toHaveLength(1);
  });

  it("the log says up to when it is complete what it said before the dead letters were read", async () => {
    const real = data();
    await recorded(anEvent());
    await env.DB.exec("UPDATE commit_watermark SET complete_through = 5");
    let reads = 0;
    const backup = await backedUp({
      data: data({
        read: async (statements) => {
          const found = await real.read(statements);
          reads += 1;
          if (reads === 2) await env.DB.exec("UPDATE commit_watermark SET complete_through = 9");
          return found;
        },
      }),
    });

    await restoredInto(backup);

    expect(await rows("commit_watermark")).toMatchObject([{ complete_through: 5 }]);
  });

  it("a type that the catalogue has learned since then is found under its name, by its number or its name alone", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ eventType: "odd" }));
    await recorded(anEvent({ eventType: "odder" }));
    await env.DB.exec("UPDATE events SET type = 999 WHERE type_name = 'odder'");
    await env.DB.exec("DELETE FROM event_types WHERE name = 'odder'");
    const backup = await backedUp();
    await emptyStorage();
    clearCaches();
    await env.DB.exec("INSERT INTO event_types (id, name) VALUES (990, 'odd'), (991, 'odder')");

    await restored(backup);

    expect(await rows("earlier_types")).toEqual([
      { name: "odd", type: 1000 },
      { name: "odder", type: 999 },
    ]);
    expect((await get("/api/events/?event_type=odd", token)).headers.get("X-Result-Count")).toBe("1");
  });

  it("events of the largest size, of letters that JSON writes longest, are the same", async () => {
    const { token } = await aPerson({ staff: true });
    const letters = Array.from({ length: 31 }, (_, code) => String.fromCharCode(code + 1));
    const message = Array.from({ length: 64_000 }, (_, place) => letters[(place * place + (place >> 5)) % 31]).join("");
    const context = { a: "\u0001".repeat(10_000), user_uuid: hex("ada") };
    await recorded(anEvent({ message }));
    await recorded(anEvent({ message: "漢".repeat(21_000), context }));
    const before = await rows("events");

    await restoredInto(await backedUp());

    expect(await rows("events")).toEqual(before);
    const search = `message=${encodeURIComponent("漢漢漢漢")}`;
    expect((await get(`/api/events/?${search}`, token)).headers.get("X-Result-Count")).toBe("1");
  });

  it("a message that waited for its replay is sent to the queue again", async () => {
    await aLetter(hex("letter"), { state: "sent", body: '{"v":2,"producer":"waldur","received_at":1}\n["x"]' });
    await restoredInto(await backedUp());

    await runMinute();

    expect(await rows("dead_letters")).toMatchObject([{ state: "sent" }]);
    expect(await deliver([])).toEqual([]);
  });
});
