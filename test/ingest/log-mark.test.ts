import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { watchLog } from "../../src/ingest/log-mark.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { rows } from "../support/ingest.ts";
import { anEvent, hex, recorded } from "../support/world.ts";

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 4, 1);
/** When the log of these tests began. */
const BEGUN = NOW - MINUTE;

const incarnation = () => env.DB.prepare("SELECT incarnation FROM commit_watermark").first<number>("incarnation");
const begin = () => env.DB.prepare("UPDATE commit_watermark SET incarnation = ?").bind(BEGUN).run();
const mark = async () => (await env.SPILL.get("log/mark.json"))?.json();

/** What the log of the Worker says of it. */
function alarms() {
  const lines: string[] = [];
  for (const name of ["error", "warn"] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(JSON.parse(line).event));
  return lines;
}

/** The rows of tables as they are now, and a way back to them: a restore as Time Travel does it. */
async function aBookmark(): Promise<() => Promise<void>> {
  const tables = ["events", "log_changes", "commit_watermark"];
  for (const table of tables) await env.DB.exec(`CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
  return async () => {
    for (const table of tables) {
      const { results } = await env.DB.prepare(`SELECT name FROM pragma_table_info('${table}')`).all<{
        name: string;
      }>();
      const columns = results.map(({ name }) => name).join(", ");
      await env.DB.exec("UPDATE commit_watermark SET deletes_period = 1");
      await env.DB.exec(`DELETE FROM ${table}`);
      await env.DB.exec(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM kept_${table}`);
    }
  };
}

describe("a restore of the database is noticed,", () => {
  it.each([
    ["when entries are missing", []],
    ["when other entries have come since", [anEvent(), anEvent(), anEvent()]],
  ])("%s: a new incarnation begins, with an alarm, once", async (_, since) => {
    await begin();
    await recorded(anEvent());
    const restore = await aBookmark();
    await recorded(anEvent(), anEvent());
    await watchLog(env, NOW);
    await restore();
    await recorded(...since);
    const said = alarms();

    for (const minute of [1, 2, 3]) await watchLog(env, NOW + minute * MINUTE);

    expect(await incarnation()).toBe(NOW + MINUTE);
    expect(said).toEqual(["log_restored"]);
  });

  it("when it goes back behind an earlier new incarnation", async () => {
    await begin();
    await recorded(anEvent());
    const restore = await aBookmark();
    await env.DB.exec(`UPDATE commit_watermark SET incarnation = ${BEGUN + 1}`);
    await watchLog(env, NOW);
    await restore();
    const said = alarms();

    await watchLog(env, NOW + MINUTE);

    expect([await incarnation(), said]).toEqual([NOW + MINUTE, ["log_restored"]]);
  });
});

describe("no new incarnation begins", () => {
  it("when an event takes another uuid, is deleted, or others come", async () => {
    await begin();
    const content = hex("content");
    const event = anEvent({ uuid: content });
    await recorded(event);
    const said = alarms();
    const changes = [
      () => recorded({ ...event, uuid: hex("id"), content }),
      () => env.DB.exec("DELETE FROM events"),
      () => recorded(anEvent(), anEvent()),
      // The event at the mark.
      () => env.DB.exec("DELETE FROM events WHERE id = 5"),
    ];
    for (const [minute, change] of changes.entries()) {
      await watchLog(env, NOW + 2 * minute * MINUTE);
      await change();
      await watchLog(env, NOW + (2 * minute + 1) * MINUTE);
    }
    expect([await incarnation(), said]).toEqual([BEGUN, []]);
    expect(await mark()).toMatchObject({ incarnation: BEGUN, end: 6 });
  });

  it("while R2 does not answer, which is said", async () => {
    await begin();
    await recorded(anEvent());
    const said = alarms();
    await watchLog({ DB: env.DB, SPILL: aRefusingBucket() }, NOW);
    expect([await incarnation(), said]).toEqual([BEGUN, ["log_mark_unavailable"]]);
  });

  it("when the mark cannot be read, which is said, and the mark is written again", async () => {
    await begin();
    await recorded(anEvent());
    await env.SPILL.put("log/mark.json", "no JSON");
    const said = alarms();
    await watchLog(env, NOW);
    expect([await incarnation(), said]).toEqual([BEGUN, ["log_mark_unreadable"]]);
    expect(await mark()).toMatchObject({ end: 1, at: NOW });
  });
});

it("the mark is written once a minute at most, only when the log has grown, and never for an empty log", async () => {
  await begin();
  const put = vi.fn(env.SPILL.put.bind(env.SPILL));
  const SPILL = { get: env.SPILL.get.bind(env.SPILL), put } as unknown as R2Bucket;
  const watched = async (seconds: number) => {
    await watchLog({ DB: env.DB, SPILL }, NOW + seconds * 1_000);
    return put.mock.calls.length;
  };

  expect(await watched(0)).toBe(0);
  await recorded(anEvent());
  expect(await watched(60)).toBe(1);
  expect(await watched(600)).toBe(1);
  for (const seconds of [601, 602, 603]) {
    await recorded(anEvent());
    expect(await watched(seconds)).toBe(2);
  }
  expect(await rows("events")).toHaveLength(4);
});
