import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { gaps, LogReader, storedIds } from "../../support/log-reader.ts";
import { anEvent, hex, recorded } from "../../support/world.ts";

/** What the Worker before migration 0018 does to number new events: it marks the highest id, and SQLite numbers the events. */
const written = (...uuids: string[]) =>
  env.DB.batch([
    env.DB.prepare("UPDATE commit_watermark SET last_id = (SELECT coalesce(max(id), 0) FROM events)"),
    env.DB.prepare(
      `INSERT INTO events (uuid, created, type, message, context, producer, upstream, received_at)
        SELECT value, 0, 1, 'Event', '{}', 'waldur', 0, 0 FROM json_each(?) WHERE true ON CONFLICT (uuid) DO NOTHING`,
    ).bind(JSON.stringify(uuids)),
  ]);

const ids = async () => [...(await storedIds()).keys()];

const twice = () => env.DB.prepare("SELECT count(*) AS n FROM events JOIN log_changes USING (id)").first<number>("n");

describe("while the Worker before the log's sequence still writes during a deploy,", () => {
  it("it uses no number of a change or a deletion", async () => {
    const content = hex("content");
    await recorded(anEvent({ uuid: content }), anEvent());
    await recorded(anEvent({ uuid: hex("id"), content }));
    await written(hex("a"), hex("b"));
    await env.DB.exec("DELETE FROM events WHERE id = 2");
    await written(hex("c"));

    expect(await ids()).toEqual([1, 4, 5, 7]);
    expect(await twice()).toBe(0);
  });

  it("a reader that follows the log misses none of its events", async () => {
    const reader = new LogReader();
    await recorded(anEvent(), anEvent());
    await env.DB.exec("DELETE FROM events WHERE id = 2");
    await reader.read();
    await written(hex("a"));
    await reader.read();

    expect(reader.held()).toEqual(await storedIds());
  });

  it("its gaps end where the log is dense again, once the new one writes", async () => {
    await recorded(anEvent(), anEvent());
    await written(hex("a"), hex("b"));
    await written(hex("a"), hex("b"), hex("c"));
    expect(await ids()).toEqual([1, 2, 3, 4, 7]);
    expect(await gaps()).toBe(0);

    await recorded(anEvent());
    await env.DB.exec("DELETE FROM events WHERE id <= 2");
    await env.DB.exec("DELETE FROM events WHERE id = 8");
    await recorded(anEvent());

    expect(await ids()).toEqual([3, 4, 7, 12]);
    expect(await gaps()).toBe(0);
    expect(await env.DB.prepare("SELECT dense_from FROM commit_watermark").first("dense_from")).toBe(7);
  });

  it("gaps that the new one would leave are still found", async () => {
    await recorded(anEvent(), anEvent(), anEvent());
    await env.DB.exec("UPDATE commit_watermark SET last_change = 5");
    await recorded(anEvent());

    expect(await gaps()).toBe(2);
  });
});
