import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { aBatch } from "../support/batch.ts";
import { aQueue } from "../support/queue.ts";
import { Connections } from "./connections.ts";
import { cloudDatabase } from "./d1.ts";
import { Memory } from "./memory.ts";
import { cloudQueue, heldBatch } from "./queue.ts";
import { cloudBucket } from "./r2.ts";

const VALUES = "SELECT value FROM json_each(?)";

describe("the database in the cloud", () => {
  it("takes a value of 2 MB and not a byte more", async () => {
    const DB = cloudDatabase(env.DB);
    const json = (bytes: number) => JSON.stringify(["x".repeat(bytes - 4)]);
    await DB.prepare(VALUES).bind(json(2_000_000)).all();
    await expect(DB.prepare(VALUES).bind(json(2_000_001)).all()).rejects.toThrow("SQLITE_TOOBIG");
    await expect(DB.batch([DB.prepare(VALUES).bind(json(2_000_001))])).rejects.toThrow("SQLITE_TOOBIG");
  });

  it("takes 100 parameters", async () => {
    const DB = cloudDatabase(env.DB);
    const select = (count: number) =>
      DB.prepare(`SELECT 1 WHERE 1 IN (${Array.from({ length: count }, () => "?").join()})`).bind(
        ...Array.from({ length: count }, (_, n) => n),
      );
    expect((await select(100).all()).results).toHaveLength(1);
    await expect(select(101).all()).rejects.toThrow("too many SQL variables");
  });

  it("takes a statement of 100 KB", async () => {
    const DB = cloudDatabase(env.DB);
    const select = (bytes: number) => DB.prepare(`SELECT 1 /*${"x".repeat(bytes - 13)}*/`);
    await select(100_000).all();
    await expect(select(100_002).all()).rejects.toThrow("statement too long");
  });

  it("takes 1,000 statements of an invocation, in sessions too", async () => {
    const DB = cloudDatabase(env.DB);
    const session = DB.withSession();
    await DB.batch(Array.from({ length: 999 }, () => DB.prepare("SELECT 1")));
    await session.prepare("SELECT 1").first();
    await expect(session.prepare("SELECT 1").first()).rejects.toThrow("Too many API requests");
    await cloudDatabase(env.DB).prepare("SELECT 1").first();
  });

  it("stops a call that reads millions of rows", async () => {
    const DB = cloudDatabase(env.DB);
    await DB.prepare(
      "CREATE TABLE many AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n",
    ).run();
    await expect(DB.prepare("SELECT total(a.i + b.i) FROM many AS a CROSS JOIN many AS b").all()).rejects.toThrow(
      "exceeded timeout",
    );
  });

  it("reads but does not write while it is full", async () => {
    const DB = cloudDatabase(env.DB, { isFull: () => true });
    await expect(DB.batch([DB.prepare("DELETE FROM users")])).rejects.toThrow("Exceeded maximum DB size");
    expect((await DB.prepare("SELECT * FROM users").all()).results).toEqual([]);
  });

  it("fails before a call is run, or after it", async () => {
    const insert = "INSERT INTO event_types (id, name) VALUES (5000, 'new')";
    const count = "SELECT count(*) AS n FROM event_types WHERE id = 5000";
    const before = cloudDatabase(env.DB, { failsBefore: () => "D1_ERROR: a" });
    await expect(before.prepare(insert).run()).rejects.toThrow("D1_ERROR: a");
    expect(await env.DB.prepare(count).first("n")).toBe(0);
    const after = cloudDatabase(env.DB, { failsAfter: () => "D1_ERROR: b" });
    await expect(after.prepare(insert).run()).rejects.toThrow("D1_ERROR: b");
    expect(await env.DB.prepare(count).first("n")).toBe(1);
  });

  it("holds the parameters of a call in memory until it has returned", async () => {
    const memory = new Memory(50_000);
    const DB = cloudDatabase(env.DB, { memory });
    await DB.prepare(VALUES)
      .bind(JSON.stringify(["x".repeat(10_000)]))
      .all();
    expect([memory.held, memory.peak]).toEqual([0, expect.toSatisfy((peak: number) => peak > 30_000)]);
    await expect(
      DB.prepare(VALUES)
        .bind(JSON.stringify(["x".repeat(20_000)]))
        .all(),
    ).rejects.toThrow("memory limit");
    expect(memory.held).toBe(0);
  });
});

describe("a queue in the cloud", () => {
  it("takes messages of 128 KB, 100 of them, and 256 KB at once", async () => {
    const queue = cloudQueue(aQueue().queue);
    const bodies = (count: number, bytes: number) => Array.from({ length: count }, () => ({ body: "x".repeat(bytes) }));
    await queue.send("x".repeat(127_900));
    await queue.sendBatch(bodies(2, 127_900));
    await queue.sendBatch(bodies(100, 2_460));
    await expect(queue.send("x".repeat(127_901))).rejects.toThrow("Too Large");
    await expect(queue.sendBatch(bodies(100, 2_461))).rejects.toThrow("Too Large");
    await expect(queue.sendBatch(bodies(101, 1))).rejects.toThrow("too many");
  });

  it("holds what is parsed of a message until it is settled, and the bodies until the delivery ends", () => {
    const memory = new Memory();
    const { held, end } = heldBatch(
      aBatch("queue", [{ body: "a".repeat(1_000) }, { body: "漢".repeat(500) }]).batch,
      memory,
    );
    expect(memory.held).toBe(2_000);
    for (const message of held.messages) expect(String(message.body)).toHaveLength(message.id === "0" ? 1_000 : 500);
    expect(memory.held).toBe(4_000);
    held.messages[0]?.ack();
    expect(memory.held).toBe(3_000);
    expect(() => held.messages[1]?.retry({ delaySeconds: 86_401 })).toThrow("too long a delay");
    end();
    expect(memory.held).toBe(0);
  });
});

it("an invocation has six connections, and a seventh waits", async () => {
  const connections = new Connections();
  const gates = Array.from({ length: 7 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const calls = gates.map(({ promise }, n) =>
    connections.run(() => {
      begun.push(n);
      return promise;
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  gates[3]?.resolve();
  await calls[3];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  for (const { resolve } of gates) resolve();
  await Promise.all(calls);
  expect(connections.peak).toBe(7);
});

it("what is read from a bucket is held until it is deleted, and a call can be refused", async () => {
  const memory = new Memory();
  const SPILL = cloudBucket(env.SPILL, { memory, refuses: (call) => call === "list" });
  await SPILL.put("key", "x".repeat(500));
  expect(await (await SPILL.get("key"))?.text()).toHaveLength(500);
  expect(memory.held).toBe(500);
  await SPILL.delete("key");
  expect(memory.held).toBe(0);
  expect(await SPILL.get("key")).toBeNull();
  await expect(SPILL.list()).rejects.toThrow("internal error");
});
