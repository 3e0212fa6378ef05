import { expect, it } from "vitest";
import { eventGroups, knownEventTypes } from "../../../src/catalogue/data.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, query, recorded } from "../../support/world.ts";

it("a search within hundreds of event types finds every match of these types", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(
    ...knownEventTypes.map((eventType) => anEvent({ eventType, message: `Something about ${eventType}` })),
    anEvent({ eventType: "unheard of", message: "Something about nothing" }),
  );
  const count = async (...pairs: [string, string][]) =>
    (
      await (
        await get(`/api/events/count/${query(["message", "SOMETHING"], ...pairs)}`, token)
      ).json<{ count: number }>()
    ).count;

  expect(await count()).toBe(knownEventTypes.length + 1);
  expect(await count(...knownEventTypes.map((type): [string, string] => ["event_type", type]))).toBe(
    knownEventTypes.length,
  );
  for (const [group, types] of Object.entries(eventGroups)) {
    expect(await count(["feature", group]), group).toBe(new Set(types).size);
  }
});
