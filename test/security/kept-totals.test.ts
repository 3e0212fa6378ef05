import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database } from "../../src/db/client.ts";
import { keepTotal } from "../../src/events/search/kept-totals.ts";
import { aMeteredDatabase } from "../support/ingest.ts";

const KEPT = 10_050;
const count = () => env.DB.prepare("SELECT count(*) AS n FROM search_totals").first("n");

it("a reader who searches for ever new texts never makes each request read all kept totals, nor lets them grow", async () => {
  await env.DB.prepare(
    `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${KEPT})
      INSERT INTO search_totals (query, epoch, upto_id, n) SELECT printf('%032x', i), 0, i, 2000 FROM numbers`,
  ).run();
  const { DB, cost } = aMeteredDatabase();
  const total = { total: 2_000, counted: 2_000, uptoId: KEPT + 1, epoch: 0 };
  await keepTotal(database(DB), "e".repeat(32), total, 0.999);

  expect(cost.rowsRead).toBeLessThan(10);
  expect(await count()).toBe(KEPT + 1);
  await keepTotal(database(DB), "f".repeat(32), total, 0);
  expect(await count()).toBe(10_000);
});
