import { describe, expect, it } from "vitest";
import { MAX_OPEN_READS } from "../../src/feed/open-reads.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded } from "../support/world.ts";

const NOT_OURS = "Is not an offset of this feed, or was made for another filter.";

const read = (token: string, query: string, headers: Record<string, string> = {}) =>
  get(`/api/events/feed/?${query}`, token, { headers });

describe("the feed refuses", () => {
  it.each([
    ["cursor=", { cursor: ["Is not a cursor of this feed."] }],
    ["cursor=1.5", { cursor: ["Is not a cursor of this feed."] }],
    ["cursor=1000000000000000", { cursor: ["Is not a cursor of this feed."] }],
    ["live=&offset=-1", { live: ["Must be long-poll or sse."] }],
    ["live=SSE&offset=-1", { live: ["Must be long-poll or sse."] }],
    ["live=sse&offset=", { offset: [NOT_OURS] }],
    ["live=sse&offset=-1&offset=nothing", { offset: [NOT_OURS] }],
    ["limit=10&limit=0", { limit: ["Must be from 1 to 1000."] }],
    ["limit=%2B1", { limit: ["Enter a whole number."] }],
    ["limit=٣", { limit: ["Enter a whole number."] }],
    ["limit=99999999999999999999", { limit: ["Enter a whole number."] }],
  ])("%s", async (query, body) => {
    const { token } = await aPerson({ staff: true });
    const response = await read(token, query);
    expect([response.status, await response.json()]).toEqual([400, body]);
  });

  it.each([
    ["a format that does not exist", "format=xml", {}, 404],
    ["a type that it does not have", "", { Accept: "text/html" }, 406],
    ["a value that is too long", `message=${"x".repeat(2_001)}`, {}, 400],
    ["a parameter too often", "x=1&".repeat(2_001), {}, 400],
  ])("%s", async (_, query, headers, status) => {
    const { token } = await aPerson({ staff: true });
    expect((await read(token, query, headers)).status).toBe(status);
  });

  it("an offset in every mode and format", async () => {
    const { token } = await aPerson({ staff: true });
    for (const mode of ["", "&live=long-poll", "&live=sse"])
      for (const Accept of ["application/json", "application/x-ndjson", "text/csv"]) {
        const response = await read(token, `offset=nothing${mode}`, { Accept });
        expect([response.status, await response.json()]).toEqual([400, { offset: [NOT_OURS] }]);
      }
  });

  it("more open answers of a token, of every kind that goes on for long", async () => {
    const { token } = await aPerson({ staff: true });
    const open = await Promise.all(Array.from({ length: MAX_OPEN_READS }, () => read(token, "offset=-1&live=sse")));
    for (const [query, Accept] of [
      ["offset=-1&live=sse", "text/event-stream"],
      ["offset=-1&live=long-poll", "application/json"],
      ["", "application/x-ndjson"],
      ["", "text/csv"],
    ] as const) {
      const response = await read(token, query, { Accept });
      expect([response.status, response.headers.get("Retry-After")], `${query} ${Accept}`).toEqual([429, "30"]);
    }
    expect((await read(token, "")).status).toBe(200);
    for (const { body } of open) await body?.cancel();
    expect((await read(token, "", { Accept: "text/csv" })).status).toBe(200);
  });
});

describe("the list after an offset refuses", () => {
  it.each(["", "0", "NOW", "%00", "a".repeat(256), "0mwwiscpv.00000000002.0.000000000000"])("%s", async (after) => {
    const { token } = await aPerson({ staff: true });
    const response = await get(`/api/events/?after=${after}`, token);
    expect([response.status, await response.json()]).toEqual([400, { after: [NOT_OURS] }]);
  });

  it("an offset of another filter", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());
    const offset = (await read(token, "offset=now")).headers.get("Stream-Next-Offset");
    expect((await get(`/api/events/?after=${offset}`, token)).status).toBe(200);
    expect((await get(`/api/events/?after=${offset}&message=x`, token)).status).toBe(400);
  });
});
