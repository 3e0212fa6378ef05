import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { beginIncarnation } from "../../../src/events/log/incarnation.ts";
import { loadEvents } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { get } from "../../support/world.ts";

/** One event in so many matches: too few for a walk, and more than are listed with the first round trip. */
const RARITY = 23;
const EVENTS = RARITY * 2_200;

it("a first page is whole after a restore, though the isolate remembers ids that other events have now", async () => {
  const { token } = await aPerson({ staff: true });
  await loadEvents(EVENTS, (share, index) => ({ time: share, isMatch: index % RARITY === 0 }));
  const page = async (number: string) =>
    (await (await get(`/api/events/?message=nee&page=${number}`, token)).json<object[]>()).length;
  await page("50");
  await page("1");
  await runBatch(database(env.DB), [beginIncarnation(Date.now())]);
  await env.DB.prepare("DELETE FROM event_index WHERE rowid > ?")
    .bind(EVENTS - 8 * RARITY)
    .run();

  expect(await page("1")).toBe(10);
});
