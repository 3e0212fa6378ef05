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
