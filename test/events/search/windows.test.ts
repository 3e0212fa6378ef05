import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { LISTED_AT_ONCE } from "../../../src/events/search/window.ts";
import { laggingReplicas } from "../../cloud/replicas.ts";
import { loadEvents, MATCH } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

/** Events that all match: more than one window has. */
const EVENTS = LISTED_AT_ONCE + 100;

/** The number of its read among those of the request: the token and the first window come before it. */
const SECOND_WINDOW = 3;

/** The totals of a search in two windows, and of the same search again. Something happens between the windows. */
async function totals(between: () => Promise<unknown>): Promise<(string | null)[]> {
  const cloud = await laggingReplicas();
  cloud.lag = () => "primary";
  const { token } = await aPerson({ staff: true });
  await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
  let reads = 0;
  cloud.beforeRead = async () => {
    reads += 1;
    if (reads === SECOND_WINDOW) await between();
  };
  const list = async () => (await get("/api/events/?message=needle", token)).headers.get("X-Result-Count");
  return [await list(), await list()];
}

it("an event that is written between two windows of a search is counted by the next request, once", async () => {
  const counted = await totals(() => recorded(anEvent({ message: MATCH })));

  expect(counted).toEqual([String(EVENTS), String(EVENTS + 1)]);
});

it("a search begins again when an event is deleted between two of its windows", async () => {
  const counted = await totals(() => env.DB.prepare("DELETE FROM events WHERE id = 7").run());

  expect(counted).toEqual([String(EVENTS - 1), String(EVENTS - 1)]);
});
