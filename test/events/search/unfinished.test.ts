import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { loadEvents } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { get, rowsRead, runMinute } from "../../support/world.ts";

/** More than one request may look at: it reads two rows for each. */
const EVENTS = 252_000;
const COUNTED = 250_000;

const kept = () =>
  env.DB.prepare("SELECT n, upto_id, unfinished IS NOT NULL AS is_unfinished FROM search_totals").all();

it("a search of more matches than a request may count says so, and the cron job counts the rest", async () => {
  const { token } = await aPerson({ staff: true });
  await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
  const list = (page: string) => get(`/api/events/?message=needle&page=${page}`, token);
  const ids = async (response: Response) =>
    (await response.json<{ uuid: string }[]>()).map(({ uuid }) => Number.parseInt(uuid.replaceAll("-", ""), 16));
  const newest = Array.from({ length: 10 }, (_, index) => EVENTS - index);

  const first = await list("1");

  expect([first.headers.get("X-Result-Count"), first.headers.get("X-Result-Count-Exact")]).toEqual([
    String(COUNTED),
    "false",
  ]);
  expect(first.headers.get("Link")).toContain(`page=${COUNTED / 10}>; rel="last"`);
  expect(rowsRead(first)).toBeLessThan(2 * COUNTED + 1_000);
  expect(await ids(first)).toEqual(newest);
  expect((await kept()).results).toEqual([{ n: COUNTED, upto_id: COUNTED, is_unfinished: 1 }]);

  await runMinute();

  expect((await kept()).results).toEqual([{ n: EVENTS, upto_id: EVENTS, is_unfinished: 0 }]);
  const second = await list("1");
  expect([second.headers.get("X-Result-Count"), second.headers.has("X-Result-Count-Exact")]).toEqual([
    String(EVENTS),
    false,
  ]);
  expect(second.headers.get("ETag")).not.toBe(first.headers.get("ETag"));
  expect(await ids(second)).toEqual(newest);
  expect(rowsRead(second)).toBeLessThan(300);
  expect(await ids(await list("last"))).toEqual(Array.from({ length: 10 }, (_, index) => 10 - index));
});
