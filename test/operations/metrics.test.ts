import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import type { Env } from "../../src/env.ts";
import { FAMILIES } from "../../src/operations/families.ts";
import { MAX_PRODUCERS, writeNumbers } from "../../src/operations/numbers.ts";
import { VERSION } from "../../src/operations/version.ts";
import { deliver } from "../support/batch.ts";
import { stopClock } from "../support/clock.ts";
import { aFailingDatabase, aMeteredDatabase, hook, queued } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue, aRefusingQueue } from "../support/queue.ts";
import { get, request, runMinute } from "../support/world.ts";

const METRICS_TOKEN = "a-token-of-the-scraper";
const NOON = "2026-11-25T12:00:00Z";

const scrape = (changed: Partial<Env> = {}, headers: Record<string, string> = {}) =>
  request(
    "/metrics",
    { headers: { Authorization: `Bearer ${METRICS_TOKEN}`, ...headers } },
    { METRICS_TOKEN, ...changed },
  );

/** workerd warns of text in a type that it does not know. */
const textOf = async (response: Response) => new TextDecoder().decode(await response.arrayBuffer());

/** Series, as it is printed, → value. */
async function series(changed: Partial<Env> = {}): Promise<Record<string, number>> {
  const text = await textOf(await scrape(changed));
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

const aDay = (producer: string, day: string, accepted: number, lastReceived: number, pauses = "{}") =>
  env.DB.prepare(
    "INSERT INTO ingest_days (producer, day, accepted, stored, last_received, pauses) VALUES (?, ?, ?, ?, ?, ?)",
  ).bind(producer, day, accepted, accepted, lastReceived, pauses);

describe("GET /metrics", () => {
  it("is OpenMetrics: each family with its help and type, a counter without _total, and an end", async () => {
    const response = await scrape();
    const text = await textOf(response);

    expect(response.headers.get("Content-Type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(text).toContain("# TYPE edge_events_log_entries counter\nedge_events_log_entries_total 0\n");
    expect(text).toContain(
      "# TYPE edge_events_watermark_age_seconds gauge\n# UNIT edge_events_watermark_age_seconds seconds\nedge_events_watermark_age_seconds +Inf\n",
    );
    expect(text.endsWith("\n# EOF\n")).toBe(true);
  });

  it("is Prometheus' own format for those who ask for text only", async () => {
    const response = await scrape({}, { Accept: "text/plain;version=0.0.4" });
    const text = await textOf(response);

    expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toContain("# TYPE edge_events_log_entries_total counter\nedge_events_log_entries_total 0\n");
    expect(text).not.toContain("# EOF");
  });

  it("tells the version, the deployment and the incarnation", async () => {
    const metrics = await series({ VERSION: { id: "a-deployment", tag: "", timestamp: "" } });

    expect(VERSION).toBe(manifest.version);
    expect(metrics[`edge_events_build_info{version="${VERSION}",deployment="a-deployment"}`]).toBe(1);
    expect(metrics.edge_events_log_incarnation_timestamp_seconds).toBeGreaterThan(1_700_000_000);
  });

  it("counts what was accepted, stored and doubled, and refused requests, since ever", async () => {
    stopClock(NOON);
    await aDay("old", "2024-01-01", 1_000, 0).run();
    await env.DB.exec("INSERT INTO ingest_rejections VALUES ('old', '2024-01-01', 'invalid', 7)");
    const bodies = await queued(hook(), hook({ message: "other" }));
    await deliver(bodies);
    await deliver(await queued(hook()));
    await runMinute();
    const first = await series();
    await deliver(await queued(hook({ message: "third" })));
    stopClock("2026-11-26T12:01:00Z");
    await runMinute();
    const second = await series();

    const counters = (metrics: Record<string, number>) => [
      ...[metrics.edge_events_accepted_total, metrics.edge_events_stored_total, metrics.edge_events_duplicates_total],
      ...[metrics['edge_events_rejected_requests_total{reason="invalid"}'], metrics.edge_events_log_events],
    ];
    expect(counters(first)).toEqual([1_003, 1_002, 1, 7, 2]);
    expect(counters(second)).toEqual([1_004, 1_003, 1, 7, 3]);
  });

  it("tells the dead letters, by state, and the age of the oldest", async () => {
    stopClock(NOON);
    const letter = (id: string, state: string, at: number) =>
      env.DB.prepare(
        "INSERT INTO dead_letters (id, reason, detail, attempts, first_seen, last_seen, state) VALUES (?, '', '', 1, 0, ?, ?)",
      ).bind(id, at, state);
    const at = Date.parse(NOON) * 1_000;
    await env.DB.batch([
      ...[letter("1", "dead", at - 90_000_000), letter("2", "dead", at - 30_000_000)],
      ...[letter("3", "replay", at), letter("4", "discarded", at)],
    ]);
    await runMinute();
    const metrics = await series();

    expect(metrics['edge_events_dead_letters{state="dead"}']).toBe(2);
    expect(metrics['edge_events_dead_letters{state="replay"}']).toBe(1);
    expect(metrics.edge_events_dead_letters_oldest_age_seconds).toBe(90);
  });

  it("tells what waits in R2 and in the queues, and for how long", async () => {
    stopClock(NOON);
    await env.SPILL.put("spill/2026-11-25/11-58-00.000-a.json", "[]");
    await env.SPILL.put("spill/2026-11-25/11-59-00.000-b.json", "[]");
    await env.SPILL.put("unreadable/dead/2026-11-25/11-00-00.000-c.json", "[]");
    const queue = { ...aQueue().queue, metrics: async () => waiting };
    const waiting = { backlogCount: 12, backlogBytes: 1, oldestMessageTimestamp: new Date(Date.parse(NOON) - 45_000) };
    const metrics = await series({ INGEST_QUEUE: queue });

    expect(metrics['edge_events_spilled_objects{place="spill"}']).toBe(2);
    expect(metrics['edge_events_spilled_oldest_age_seconds{place="spill"}']).toBe(120);
    expect(metrics['edge_events_spilled_objects{place="dead"}']).toBe(0);
    expect(metrics['edge_events_spilled_oldest_age_seconds{place="unreadable"}']).toBe(3_600);
    expect(metrics['edge_events_queue_messages{queue="ingest"}']).toBe(12);
    expect(metrics['edge_events_queue_oldest_message_age_seconds{queue="ingest"}']).toBe(45);
    expect(metrics['edge_events_queue_oldest_message_age_seconds{queue="dead-letters"}']).toBe(0);
  });

  it("tells the most unusual silences of many producers, reads three rows, and says how many there are", async () => {
    const at = Date.parse(NOON) * 1_000;
    const names = Array.from({ length: 200 }, (_, index) => `p${index}`);
    const days = names.map((name, index) => aDay(name, "2026-11-25", 1, at - index * 1_000_000, '{"60":604800000}'));
    await env.DB.batch([...days, aDay('odd"\n\\', "2026-11-25", 1, at - 500_000_000, '{"60":604800000}')]);
    await env.DB.exec(`UPDATE commit_watermark SET complete_through = ${at}`);
    await writeNumbers(env, Date.parse(NOON));
    const { DB, cost } = aMeteredDatabase();
    const metrics = await series({ DB });
    const silences = Object.keys(metrics).filter((name) => name.startsWith("edge_events_producer_silence_seconds"));

    expect(cost).toMatchObject({ rowsRead: 3, rowsWritten: 0 });
    expect(metrics.edge_events_producers).toBe(201);
    expect(silences).toHaveLength(MAX_PRODUCERS);
    expect(metrics['edge_events_producer_silence_seconds{producer="odd\\"\\n\\\\"}']).toBe(500);
    expect(metrics['edge_events_producer_silence_seconds{producer="p199"}']).toBe(199);
    expect(metrics['edge_events_producer_usual_gap_seconds{producer="p199"}']).toBe(60);
  });

  it("tells when the database will be full, by what it has grown in a week", async () => {
    const { DB } = aSizedDatabase(2_000_000_000);
    stopClock("2026-11-20T12:00:00Z");
    await writeNumbers({ DB: aSizedDatabase(1_000_000_000).DB });
    stopClock(NOON);
    await writeNumbers({ DB });
    const metrics = await series({ DB });

    expect(metrics.edge_events_database_size_bytes).toBe(2_000_000_000);
    expect(metrics.edge_events_database_limit_bytes).toBe(10_000_000_000);
    expect(metrics.edge_events_database_full_timestamp_seconds).toBe(Date.parse("2027-01-04T12:00:00Z") / 1_000);
  });

  it("answers with what it knows while D1, R2 or a queue is away", async () => {
    await runMinute();
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.");
    const SPILL = new Proxy(env.SPILL, {
      get: () => () => Promise.reject(new Error("We encountered an internal error.")),
    });
    const without = await series({ DB, SPILL, INGEST_QUEUE: aRefusingQueue() });
    const names = Object.keys(without);

    expect(without.edge_events_database_up).toBe(0);
    expect(without.edge_events_object_store_up).toBe(0);
    expect(without['edge_events_queue_up{queue="ingest"}']).toBe(0);
    expect(without['edge_events_queue_up{queue="dead-letters"}']).toBe(1);
    expect(names.filter((name) => /watermark|spilled|accepted|queue="ingest"/.test(name))).toEqual([
      'edge_events_queue_up{queue="ingest"}',
    ]);
    expect((await series()).edge_events_database_up).toBe(1);
  });

  it("costs the cron job one row written, and a few rows read for each producer", async () => {
    const { DB, cost } = aMeteredDatabase();
    await env.DB.batch(Array.from({ length: 10 }, (_, index) => aDay(`p${index}`, "2026-11-25", 1, 1)));
    await writeNumbers({ DB }, Date.parse(NOON));
    await writeNumbers({ DB }, Date.parse(NOON) + 60_000);
    const two = { ...cost };
    await writeNumbers({ DB }, Date.parse(NOON) + 120_000);

    expect([cost.rowsWritten - two.rowsWritten, cost.rowsRead - two.rowsRead]).toEqual([1, 47]);
  });
});

/** The database, which says that it has so many bytes. */
function aSizedDatabase(bytes: number) {
  const batch: D1Database["batch"] = async <T>(statements: D1PreparedStatement[]) =>
    (await env.DB.batch<T>(statements)).map((result) => ({ ...result, meta: { ...result.meta, size_after: bytes } }));
  const DB = new Proxy(env.DB, {
    get: (target, name) => (name === "batch" ? batch : Reflect.get(target, name).bind(target)),
  });
  return { DB };
}

describe("who may scrape:", () => {
  it("METRICS_TOKEN and staff, and nobody else", async () => {
    const [staff, support] = [await aPerson({ staff: true }), await aPerson({ support: true })];
    const status = async (header: string, token: string | undefined = METRICS_TOKEN) =>
      (await request("/metrics", { headers: { Authorization: header } }, { METRICS_TOKEN: token ?? "" })).status;

    expect(await status(`Bearer ${METRICS_TOKEN}`)).toBe(200);
    expect((await get("/metrics", staff.token)).status).toBe(200);
    expect(await status(`Bearer ${support.token}`)).toBe(401);
    expect(await status(`Bearer ${METRICS_TOKEN}x`)).toBe(401);
    expect(await status(`Token ${METRICS_TOKEN}`)).toBe(401);
    expect(await status("Bearer short", "short")).toBe(401);
    expect(await status("Bearer ", "")).toBe(401);
  });

  it("the refusal has the shape of every other one", async () => {
    const response = await request("/metrics");

    expect([response.status, response.headers.get("WWW-Authenticate")]).toEqual([401, "Token"]);
    expect(await response.json()).toEqual({ detail: "Authentication credentials were not provided." });
  });

  it("METRICS_TOKEN opens nothing else", async () => {
    const headers = { Authorization: `Bearer ${METRICS_TOKEN}` };

    expect((await request("/api/events/", { headers }, { METRICS_TOKEN })).status).toBe(401);
    expect((await request("/ingest/waldur", { method: "POST", headers, body: "{}" }, { METRICS_TOKEN })).status).toBe(
      401,
    );
  });

  it("staff cannot be told from others while the database is away: 503, and METRICS_TOKEN goes on", async () => {
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.");

    expect((await get("/metrics", "a-token-that-nobody-knows", {}, { DB })).status).toBe(503);
    expect((await scrape({ DB })).status).toBe(200);
  });

  it("other methods than GET and HEAD are 405", async () => {
    const headers = { Authorization: `Bearer ${METRICS_TOKEN}` };
    const post = await request("/metrics", { method: "POST", headers }, { METRICS_TOKEN });
    const head = await request("/metrics", { method: "HEAD", headers }, { METRICS_TOKEN });

    expect([post.status, post.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });
});

it("the families have names as Prometheus wants them, each once", () => {
  const names = FAMILIES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, help } of FAMILIES) {
    expect(name).toMatch(/^edge_events_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(help).toMatch(/\.$/);
  }
});
