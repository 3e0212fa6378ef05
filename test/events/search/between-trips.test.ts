import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type LaggingDatabase, laggingReplicas } from "../../cloud/replicas.ts";
import { loadEvents } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

/** More than the matches that are listed with the first round trip of a short text. */
const EVENTS = 3_000;

/** Does something before a round trip, counted from the next one. */
function before(cloud: LaggingDatabase, trip: number, change: () => Promise<unknown>): void {
  let trips = 0;
  cloud.beforeRead = async () => {
    trips += 1;
    if (trips === trip) await change();
  };
}

async function theCloud(): Promise<LaggingDatabase> {
  const cloud = await laggingReplicas();
  cloud.lag = () => "primary";
  return cloud;
}

const totalOf = (response: Response) => Number(response.headers.get("X-Result-Count"));

it("a short text has the total of the state that its page is of, whatever is deleted before its matches are listed", async () => {
  const cloud = await theCloud();
  const { token } = await aPerson({ staff: true });
  await loadEvents(EVENTS, (share) => ({ time: share, isMatch: true }));
  // The token, the total, and then the matches.
  before(cloud, 3, () => env.DB.exec("DELETE FROM events WHERE id <= 100"));

  const page = await get("/api/events/?message=nee&page=50", token);

  expect(totalOf(page)).toBe(EVENTS - 100);
});

it("a search is kept without the events of a type only for requests that do not know the type", async () => {
  const cloud = await theCloud();
  const { token } = await aPerson({ staff: true });
  await recorded(...Array.from({ length: 300 }, () => anEvent({ message: "A volume" })));
  await recorded(...Array.from({ length: 300 }, () => anEvent({ message: "A volume" })));
  const path = "/api/events/?message=volume&event_type=project_created&event_type=of_tomorrow";
  // The token, the types, and then the matches.
  before(cloud, 3, () => recorded(anEvent({ message: "A volume of tomorrow", eventType: "of_tomorrow" })));
  await get(path, token);

  const later = await get(path, token);

  expect(totalOf(later)).toBe(601);
  expect(await later.json<{ message: string }[]>()).toContainEqual(
    expect.objectContaining({ message: "A volume of tomorrow" }),
  );
});
