import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

const HOUR = 3_600_000_000;
const START = Date.UTC(2024, 0, 1) * 1000;
/** So many matches that a page is first searched in a part of the time. */
const MATCHES = 400;

/** The matches lie in the first hour; other events go on for two years. */
const unevenLog = [
  ...Array.from({ length: MATCHES }, (_, index) => anEvent({ created: START + index, message: `needle ${index}` })),
  anEvent({ created: START + 2 * 365 * 24 * HOUR, message: "hay" }),
];

describe("a search whose matches all lie in a small part of the time", () => {
  it.each([
    ["the first page", "", "needle 399"],
    ["the first page, oldest first", "&o=created", "needle 0"],
    ["a later page", "&page=40", "needle 9"],
    ["the last page", "&page=last", "needle 9"],
  ])("has all rows of %s, asked for twice", async (_, page, first) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...unevenLog);

    for (let time = 0; time < 2; time++) {
      const response = await get(`/api/events/?message=needle${page}`, token);
      const messages = (await response.json<{ message: string }[]>()).map(({ message }) => message);
      expect([messages.length, messages[0], response.headers.get("X-Result-Count")]).toEqual([10, first, "400"]);
    }
  });
});
