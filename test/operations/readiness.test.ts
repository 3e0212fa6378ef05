import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { FRESH_MS } from "../../src/operations/readiness.ts";
import { later, stopClock } from "../support/clock.ts";
import { aFailingDatabase, aMeteredDatabase } from "../support/ingest.ts";
import { aRefusingQueue, asQueue } from "../support/queue.ts";
import { request, runMinute } from "../support/world.ts";

const NOON = "2026-11-25T12:00:00Z";

const ready = async (changed: Partial<Env> = {}) => {
  const response = await request("/readyz", {}, changed);
  return { status: response.status, ...(await response.json<{ ready: boolean; problems: Record<string, string> }>()) };
};

/** A server that is ready at noon: the cron job has just run, and the watermark is known. */
async function aReadyServer(): Promise<void> {
  stopClock(NOON);
  await runMinute();
  await env.DB.exec(`UPDATE commit_watermark SET complete_through = ${Date.parse(NOON) * 1_000}`);
}

describe("GET /readyz", () => {
  it("is 200 for anybody when reading and writing work", async () => {
    await aReadyServer();

    expect(await ready()).toEqual({ status: 200, ready: true, problems: {} });
  });

  it("is 503 with the reason while the database is away", async () => {
    await aReadyServer();
    const { DB } = aFailingDatabase("D1_ERROR: Network connection lost.");

    expect(await ready({ DB })).toEqual({
      ...{ status: 503, ready: false },
      problems: { database: "The database does not answer." },
    });
  });

  it("is 503 while the queue or R2 is away", async () => {
    await aReadyServer();
    const SPILL = new Proxy(env.SPILL, { get: () => () => Promise.reject(new Error("Internal error.")) });
    const { status, problems } = await ready({ SPILL, INGEST_QUEUE: aRefusingQueue() });

    expect([status, Object.keys(problems)]).toEqual([503, ["queue", "object_store"]]);
  });

  it("is 503 when the cron job has stopped, and then also when nobody knows what is stored", async () => {
    await aReadyServer();
    later(181_000);
    const stopped = await ready();
    later(420_000);
    const unknown = await ready();

    expect(stopped.problems).toEqual({
      cron: "The cron job has written nothing into the database for 3 minutes.",
    });
    expect(Object.keys(unknown.problems)).toEqual(["cron", "watermark"]);
  });

  it("is 503 when a message waits too long, whatever else works", async () => {
    await aReadyServer();
    const oldestMessageTimestamp = new Date(Date.parse(NOON) - 301_000);
    const queue = asQueue({ metrics: async () => ({ backlogCount: 1, backlogBytes: 1, oldestMessageTimestamp }) });

    expect(await ready({ INGEST_QUEUE: queue })).toMatchObject({
      ...{ status: 503, problems: { backlog: "A message has waited in the queue for more than 5 minutes." } },
    });
  });

  it("is 503 on a server whose cron job has never run", async () => {
    expect(Object.keys((await ready()).problems)).toEqual(["cron", "watermark"]);
  });

  it("says why the watermark stands still, and names no producer", async () => {
    await aReadyServer();
    later(601_000);
    const outside = { reason: "spilled", since: 0, until: Date.now() + 60_000, producer: "secret-customer" };
    const unseen = { reason: "retried", since: 0, until: 0 };
    await env.SPILL.put("watermark/mark.json", JSON.stringify({ id: "", at: Date.now(), unseen, outside }));
    const { problems } = await ready();

    expect(problems.watermark).toBe(
      "It has not been known for 10 minutes whether everything that was accepted is stored: messages are or were in R2.",
    );
  });

  it("costs three rows and no listing, and nothing for those who ask again within seconds", async () => {
    await aReadyServer();
    const { DB, cost } = aMeteredDatabase();
    const calls: string[] = [];
    const SPILL = new Proxy(env.SPILL, {
      get: (target, name) => {
        calls.push(String(name));
        return Reflect.get(target, name).bind(target);
      },
    });
    const many = () => Promise.all(Array.from({ length: 50 }, () => ready({ DB, SPILL })));
    const answers = [await ready({ DB, SPILL }), ...(await many())];
    const once = { ...cost, calls: [...calls] };
    later(FRESH_MS);
    answers.push(...(await many()));

    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(once).toEqual({ statements: 2, rowsRead: 3, rowsWritten: 0, calls: ["get"] });
    expect([cost.rowsRead, calls]).toEqual([6, ["get", "get"]]);
  });

  it("refuses other methods than GET and HEAD", async () => {
    await aReadyServer();
    const post = await request("/readyz", { method: "POST" });
    const head = await request("/readyz", { method: "HEAD" });

    expect([post.status, post.headers.get("Allow"), head.status]).toEqual([405, "GET, HEAD", 200]);
  });
});
