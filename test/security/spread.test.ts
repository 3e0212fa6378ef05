import { expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, query, recorded, rowsRead } from "../support/world.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2024, 0, 1) * 1_000;

it("a producer with an event on each of many days never makes every search in a time range read all the days", async () => {
  const { token } = await aPerson({ staff: true });
  const cost = async () => {
    const range = [
      ["created_from", "1704100000"],
      ["created_to", "1767200000"],
    ] as const;
    const response = await get(`/api/events/${query(["message", "found"], ...range)}`, token);
    expect(response.headers.get("X-Result-Count")).toBe("20");
    return rowsRead(response);
  };
  await recorded(
    ...Array.from({ length: 20 }, (_, day) => anEvent({ created: START + (day + 1) * 30 * DAY, message: "found" })),
  );
  const before = await cost();
  await recorded(
    ...Array.from({ length: 720 }, (_, day) => anEvent({ created: START + day * DAY, producer: "stranger" })),
  );

  expect(await cost()).toBeLessThan(before + 500);
});
