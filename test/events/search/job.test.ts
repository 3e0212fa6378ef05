import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database } from "../../../src/db/client.ts";
import { printUnfinished } from "../../../src/events/search/job-query.ts";
import { keepWindow } from "../../../src/events/search/kept-totals.ts";
import { partsOf } from "../../../src/events/search/keys.ts";
import { loadEvents } from "../../support/distributions.ts";
import { hex, runMinute } from "../../support/world.ts";

const EVENTS = 900;

/** Keeps the first matches of a search for a text, as a request does that leaves the rest to the cron job. */
function begun(name: string, { upto, lists }: { upto: number; lists: boolean }) {
  const types = lists ? undefined : { numbers: [1], others: [] };
  const range = { from: -Infinity, to: Infinity };
  const query = {
    kind: "search" as const,
    concerns: [],
    types,
    values: { message: lists ? "NEEDLE" : "NEE" },
    range,
    oldestFirst: false,
  };
  return keepWindow(database(env.DB), hex(name), {
    epoch: 0,
    after: 0,
    uptoId: upto,
    n: upto,
    parts: lists
      ? partsOf(
          Array.from({ length: upto }, (_, index) => ({ created: index, id: index + 1 })),
          upto,
        )
      : undefined,
    unfinished: printUnfinished(query, lists),
  });
}

const kept = async () =>
  (await env.DB.prepare("SELECT n, upto_id, unfinished FROM search_totals ORDER BY query").all()).results;

const FINISHED = { n: EVENTS, upto_id: EVENTS, unfinished: null };

describe("the cron job ends a search", () => {
  it("that has fewer matches left than are otherwise kept, so that it does not count them every minute", async () => {
    await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
    await begun("listed", { upto: 600, lists: true });
    await begun("counted", { upto: 600, lists: false });

    await runMinute();

    expect(await kept()).toEqual([FINISHED, FINISHED]);
  });

  it("that has no match left", async () => {
    await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
    await begun("listed", { upto: EVENTS, lists: true });
    await begun("counted", { upto: EVENTS, lists: false });

    await runMinute();

    expect(await kept()).toEqual([FINISHED, FINISHED]);
  });

  it("also when others before it can never be counted", async () => {
    await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
    for (const name of ["1", "2", "3", "4"]) {
      await env.DB.prepare("INSERT INTO search_totals (query, epoch, upto_id, n, unfinished) VALUES (?, 0, 1, 1, '{}')")
        .bind(hex(name))
        .run();
    }
    await begun("9", { upto: 600, lists: true });

    await runMinute();
    await runMinute();

    expect((await kept()).at(-1)).toEqual(FINISHED);
  });
});
