import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { laggingReplicas } from "./replicas.ts";

const numbers = async (from: Pick<D1Database, "prepare">) =>
  (await from.prepare("SELECT id FROM event_types WHERE id >= 5000 ORDER BY id").all<{ id: number }>()).results.map(
    ({ id }) => id,
  );

/** Writes a type with this number, as one commit. */
const write = (id: number, to: Pick<D1Database, "prepare"> = env.DB) =>
  to.prepare("INSERT INTO event_types (id, name) VALUES (?, ?)").bind(id, `type ${id}`).run();

describe("a database with replicas that lag", () => {
  it("shows a session any prefix of the commits, as far back as the test says, and others the newest", async () => {
    const cloud = await laggingReplicas();
    for (const id of [5000, 5001, 5002]) await write(id);

    for (const [lag, seen] of [
      [3, []],
      [2, [5000]],
      [1, [5000, 5001]],
      [0, [5000, 5001, 5002]],
      ["primary", [5000, 5001, 5002]],
    ] as const) {
      cloud.lag = () => lag;
      expect(await numbers(env.DB.withSession("first-unconstrained"))).toEqual(seen);
    }
    cloud.lag = () => 3;
    expect(await numbers(env.DB.withSession("first-primary"))).toEqual([5000, 5001, 5002]);
    expect(await numbers(env.DB)).toEqual([5000, 5001, 5002]);
  });

  it("never shows a session less than before, nor less than its bookmark", async () => {
    const cloud = await laggingReplicas();
    for (const id of [5000, 5001]) await write(id);
    const session = env.DB.withSession("first-unconstrained");
    cloud.lag = () => 1;
    expect(session.getBookmark()).toBeNull();
    expect(await numbers(session)).toEqual([5000]);
    cloud.lag = () => 2;

    expect(await numbers(session)).toEqual([5000]);
    expect(await numbers(env.DB.withSession(session.getBookmark() ?? ""))).toEqual([5000]);
    expect(await numbers(env.DB.withSession("first-unconstrained"))).toEqual([]);
  });

  it("shows a session its own writes, and names each state by a bookmark of D1's form that sorts by time", async () => {
    const cloud = await laggingReplicas();
    cloud.lag = () => 9;
    const session = env.DB.withSession("first-unconstrained");
    await numbers(session);
    const before = session.getBookmark() ?? "";
    await write(5000, session);

    expect(await numbers(session)).toEqual([5000]);
    expect(session.getBookmark()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/);
    expect(before < (session.getBookmark() ?? "")).toBe(true);
    await expect(numbers(env.DB.withSession("000000ff-00000000-00004c6d-".padEnd(59, "0")))).rejects.toThrow(
      "bookmark",
    );
  });

  it("does not count a write that fails, and says which instance served a read", async () => {
    const cloud = await laggingReplicas();
    await write(5000);
    await expect(write(5000)).rejects.toThrow("UNIQUE");
    expect(cloud.commits()).toBe(1);

    const served = async (constraint: string) =>
      (await env.DB.withSession(constraint).prepare("SELECT 1").all()).meta.served_by_primary;
    expect([await served("first-unconstrained"), await served("first-primary")]).toEqual([false, true]);
  });
});
