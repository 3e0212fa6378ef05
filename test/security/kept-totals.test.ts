import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database } from "../../src/db/client.ts";
import { deleteOldest } from "../../src/events/search/kept-totals.ts";
import { aMeteredDatabase } from "../support/ingest.ts";

const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first("n");

const numbers = (most: number) =>
  `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${most})`;

it("a reader who searches for ever new texts never makes each request read all kept totals, nor lets them grow", async () => {
  await env.DB.prepare(
    `${numbers(10_050)} INSERT INTO search_totals (query, epoch, upto_id, n) SELECT printf('%032x', i), 0, i, 2000 FROM numbers`,
  ).run();
  const { DB, cost } = aMeteredDatabase();
  await deleteOldest(database(DB), 0.999);

  expect(cost.rowsRead).toBe(0);
  expect(await count("search_totals")).toBe(10_050);
  await deleteOldest(database(DB), 0);
  expect(await count("search_totals")).toBe(10_000);
});

it("the kept matches of the oldest searches are deleted with their totals", async () => {
  await env.DB.batch([
    env.DB.prepare(`${numbers(210)} INSERT INTO search_totals (query, epoch, upto_id, n, is_listed)
      SELECT printf('%032x', i), 0, i, 2000, 1 FROM numbers`),
    env.DB.prepare(`${numbers(21_000)} INSERT INTO search_keys
      SELECT printf('%032x', 1 + i / 100), 1, i, 0, 1, 1, 1, 1, 1, '[]' FROM numbers WHERE i < 21000`),
  ]);

  await deleteOldest(database(env.DB), 0);

  expect([await count("search_totals"), await count("search_keys")]).toEqual([200, 20_000]);
  expect(await env.DB.prepare("SELECT min(query) AS first FROM search_keys").first("first")).toBe(
    (11).toString(16).padStart(32, "0"),
  );
});
