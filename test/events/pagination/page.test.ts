import { describe, expect, it } from "vitest";
import { numberedEvents, numbers } from "../../support/numbered.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, messages, query, recorded } from "../../support/world.ts";

describe("page_size", () => {
  it.each([
    ["10 by default", "", 10],
    ["as asked", "?page_size=3", 3],
    ["300 at most", "?page_size=301", 300],
    ["300 for a far bigger one", "?page_size=1000000000000000000000000000000", 300],
    ["300 when asked for 300", "?page_size=300", 300],
    ["10 for 0", "?page_size=0", 10],
    ["10 for a negative one", "?page_size=-1", 10],
    ["10 for a word", "?page_size=abc", 10],
    ["10 for an empty one", "?page_size=", 10],
    ["10 for a fraction", "?page_size=5.5", 10],
    ["10 for an exponent", "?page_size=1e2", 10],
    ["read with blanks before it", "?page_size=%20%203", 3],
    ["read with blanks after it", "?page_size=3%20", 3],
    ["read with leading zeros", "?page_size=003", 3],
    ["read with a plus sign", "?page_size=%2B3", 3],
    ["read with an underscore between digits", "?page_size=1_2", 12],
    ["the last one given", "?page_size=3&page_size=4", 4],
  ])("is %s", async (_what, search, size) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(302));

    const response = await get(`/api/events/${search}`, token);

    expect(response.status).toBe(200);
    expect(await response.json()).toHaveLength(size);
    expect(response.headers.get("X-Result-Count")).toBe("302");
  });
});

describe("page", () => {
  it.each([
    ["is 1 by default", "?page_size=2", ["1", "2"]],
    ["counts from 1", "?page_size=2&page=1", ["1", "2"]],
    ["shows what follows", "?page_size=2&page=2", ["3", "4"]],
    ["shows the rest at the end", "?page_size=2&page=3", ["5"]],
    ["may be last", "?page_size=2&page=last", ["5"]],
    ["may be last when the last one is full", "?page_size=5&page=last", ["1", "2", "3", "4", "5"]],
    ["is read with leading zeros", "?page_size=2&page=02", ["3", "4"]],
    ["is read with blanks around", "?page_size=2&page=%202%20", ["3", "4"]],
    ["is read with a plus sign", "?page_size=2&page=%2B2", ["3", "4"]],
    ["is 1 when empty", "?page_size=2&page=", ["1", "2"]],
    ["is the last one given", "?page_size=2&page=1&page=3", ["5"]],
    ["is the last one given, whatever the others are", "?page_size=2&page=abc&page=2", ["3", "4"]],
  ])("%s", async (_what, search, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(5));

    expect(await messages(token, search)).toEqual(expected);
  });

  it("that is not there, or no number, is 404 Invalid page.", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(5));
    const invalid = [
      "0",
      "-1",
      "00",
      "abc",
      "1.0",
      "1e0",
      "0x1",
      "Last",
      " last",
      "1 2",
      "4",
      "1000000",
      "9007199254740993",
      "9223372036854775807",
      "9223372036854775808",
      "1000000000000000000000000000000",
      "9".repeat(400),
      "-".concat("9".repeat(400)),
    ];

    for (const page of invalid) {
      const response = await get(`/api/events/${query(["page", page], ["page_size", "2"])}`, token);
      expect(response.status, page).toBe(404);
      expect(await response.text(), page).toBe('{"detail":"Invalid page."}');
    }
  });

  it.each([
    ["1", 200],
    ["last", 200],
    ["2", 404],
  ])("%s of an empty result is %i: it has one page", async (page, status) => {
    const { token } = await aPerson({ staff: true });

    expect((await get(`/api/events/?page=${page}`, token)).status).toBe(status);
  });

  it("shares no event with the others, and no event is on none", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(23));

    const pages = [];
    for (const page of [1, 2, 3]) pages.push(...(await messages(token, `?page=${page}`)));

    expect(pages).toEqual(numbers(1, 23));
  });
});

describe("X-Result-Count", () => {
  it("is the number of all matching events, not of those on the page", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...numberedEvents(12), anEvent({ eventType: "project_update_succeeded" }));

    const response = await get("/api/events/?event_type=project_created&page=2&page_size=5", token);

    expect(response.headers.get("X-Result-Count")).toBe("12");
  });
});
