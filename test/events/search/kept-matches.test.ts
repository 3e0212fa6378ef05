import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database } from "../../../src/db/client.ts";
import { keepWindow } from "../../../src/events/search/kept-totals.ts";
import { partsOf } from "../../../src/events/search/keys.ts";

const SEARCH = "5".repeat(32);

/** Keeps the matches with the ids after one and up to another; each event matches. */
const keep = (after: number, uptoId: number, epoch = 0) =>
  keepWindow(database(env.DB), SEARCH, {
    epoch,
    after,
    uptoId,
    n: uptoId,
    parts: partsOf(
      Array.from({ length: uptoId - after }, (_, index) => ({ created: index, id: after + index + 1 })),
      uptoId,
    ),
  });

async function kept() {
  const [totals, windows] = await env.DB.batch<Record<string, number>>([
    env.DB.prepare("SELECT epoch, upto_id, n FROM search_totals"),
    env.DB.prepare("SELECT epoch, upto_id, sum(n) AS n FROM search_keys GROUP BY epoch, upto_id ORDER BY upto_id"),
  ]);
  return { totals: totals?.results, windows: windows?.results.map(({ epoch, upto_id, n }) => [epoch, upto_id, n]) };
}

describe("the matches that two requests have counted at the same time", () => {
  it("are kept once, also when one of them saw more events", async () => {
    await keep(0, 100);
    await keep(0, 120);
    await keep(100, 130);
    await keep(100, 140);

    expect(await kept()).toEqual({
      totals: [{ epoch: 0, upto_id: 130, n: 130 }],
      windows: [
        [0, 100, 100],
        [0, 130, 30],
      ],
    });
  });

  it("are kept for the later epoch, whichever comes last", async () => {
    await keep(0, 100);
    await keep(0, 90, 1);
    await keep(100, 130);

    expect(await kept()).toEqual({ totals: [{ epoch: 1, upto_id: 90, n: 90 }], windows: [[1, 90, 90]] });
  });
});

describe("a Worker that keeps totals without matches, before migration 0019,", () => {
  const count = (epoch: number, uptoId: number, n: number) =>
    env.DB.prepare(
      `INSERT INTO search_totals (query, epoch, upto_id, n) VALUES (?, ?, ?, ?)
        ON CONFLICT (query) DO UPDATE SET epoch = excluded.epoch, upto_id = excluded.upto_id, n = excluded.n`,
    )
      .bind(SEARCH, epoch, uptoId, n)
      .run();

  it.each([
    ["newer events", 0, 150, 150],
    ["a later epoch", 1, 100, 99],
  ])("leaves a search alone whose matches are kept, when it has counted %s", async (_, epoch, uptoId, n) => {
    await keep(0, 100);
    await count(epoch, uptoId, n);
    await keep(100, 130);

    expect(await kept()).toEqual({
      totals: [{ epoch: 0, upto_id: 130, n: 130 }],
      windows: [
        [0, 100, 100],
        [0, 130, 30],
      ],
    });
  });

  it("may say that no newer event matches, and keeps the totals of other searches", async () => {
    await keep(0, 100);
    await count(0, 150, 100);
    expect(await kept()).toEqual({ totals: [{ epoch: 0, upto_id: 150, n: 100 }], windows: [[0, 100, 100]] });

    await env.DB.exec("DELETE FROM search_totals");
    await count(0, 150, 150);
    await count(0, 160, 155);
    expect((await kept()).totals).toEqual([{ epoch: 0, upto_id: 160, n: 155 }]);
  });
});
