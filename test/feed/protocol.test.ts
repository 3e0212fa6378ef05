import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextCursor } from "../../src/feed/cursor.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded, request } from "../support/world.ts";

// The read path of Durable Streams 1.0: https://github.com/durable-streams/durable-streams/blob/main/PROTOCOL.md

const START = Date.UTC(2026, 10, 25, 12);
/** The interval of 20 seconds at START, from 2024-10-09T00:00:00Z on. */
const CURSOR = (START - Date.UTC(2024, 9, 9)) / 20_000;
/** The most intervals by which a cursor is moved: those of 3,600 seconds. */
const MAX_MOVE = 180;
/** A bell at which time passes at once. Only Date is stopped, not D1. */
const FEED_BELL = {
  getByName: () => ({
    ring: async () => undefined,
    wait: async (after: number, ms: number) => {
      vi.setSystemTime(Date.now() + ms);
      return after;
    },
  }),
};
const READS = [
  "offset=-1",
  "offset=now",
  "offset=-1&live=long-poll",
  "offset=now&live=long-poll",
  "offset=-1&live=sse",
];

let token: string;
let ada: string;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  ({ token } = await aPerson({ staff: true }));
  ({ token: ada } = await aPerson({ roles: [{ scope: hex("ours") }] }));
});
afterEach(() => {
  vi.useRealTimers();
});

const read = (query: string, init: RequestInit = {}, as = token) =>
  get(`/api/events/feed/?${query}`, as, init, { FEED_BELL });
const ofOurs = () => anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: hex("ours") } });
const SCOPE = `scope=/api/customers/${hex("ours")}/`;
const next = (response: Response) => response.headers.get("Stream-Next-Offset") ?? "";
const cursorOf = (response: Response) => Number(response.headers.get("Stream-Cursor"));
const controlsIn = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/^event: control\ndata: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));

describe("an offset", () => {
  /** The offsets of a reader who takes one event after the other, with what is stored meanwhile. */
  async function offsets(as: string, filter: string): Promise<string[]> {
    const found = ["-1"];
    for (let step = 0; step < 40; step++) {
      await recorded(ofOurs(), anEvent());
      const response = await read(`offset=${found.at(-1)}&limit=1&${filter}`, {}, as);
      found.push(next(response));
    }
    return found.slice(1);
  }

  it.each([
    ["every event", () => [token, ""] as const],
    ["a part of them", () => [ada, SCOPE] as const],
  ])("of a reader who sees %s sorts as text in the order of the stream, and is safe in a URL", async (_, reader) => {
    const found = await offsets(...reader());

    expect(found.toSorted()).toEqual(found);
    expect(new Set(found).size).toBe(found.length);
    for (const offset of found) expect(offset).toMatch(/^[\w.-]{2,255}$/);
  });

  it("that is absent is the beginning, as -1 is", async () => {
    await recorded(anEvent());
    const [absent, beginning] = [await read(""), await read("offset=-1")];
    expect(await absent.json()).toEqual(await beginning.json());
    expect(next(absent)).toBe(next(beginning));
  });

  it("distinguishes case", async () => {
    await recorded(ofOurs());
    const offset = next(await read("offset=now"));
    expect(offset.toUpperCase()).not.toBe(offset);
    expect((await read(`offset=${offset.toUpperCase()}`)).status).toBe(400);
    for (const constant of ["NOW", "Now"]) expect((await read(`offset=${constant}`)).status).toBe(400);
  });
});

describe("catch-up", () => {
  it("says Stream-Up-To-Date only where nothing more is there, and has [] and the same offset at the tail", async () => {
    await recorded(anEvent(), anEvent());
    const first = await read("offset=-1&limit=1");
    const last = await read(`offset=${next(first)}`);
    const tail = await read(`offset=${next(last)}`);

    expect([first, last, tail].map(({ headers }) => headers.get("Stream-Up-To-Date"))).toEqual([null, "true", "true"]);
    expect([tail.status, await tail.text(), next(tail)]).toEqual([200, "[]", next(last)]);
  });

  it("of a log without events has an offset that is good for the first one", async () => {
    const empty = await read("offset=-1");
    expect([empty.status, await empty.text(), empty.headers.get("Stream-Up-To-Date")]).toEqual([200, "[]", "true"]);
    await recorded(anEvent({ message: "first" }));
    expect(await (await read(`offset=${next(empty)}&field=message`)).json()).toEqual([{ id: 1, message: "first" }]);
  });

  it("has an ETag, which is 304 with the headers of the stream until more is there", async () => {
    await recorded(anEvent());
    const first = await read("offset=-1");
    const headers = { "If-None-Match": first.headers.get("ETag") ?? "" };

    const same = await read("offset=-1", { headers });
    expect([same.status, await same.text(), next(same)]).toEqual([304, "", next(first)]);
    expect(same.headers.get("Stream-Up-To-Date")).toBe("true");
    await recorded(anEvent());
    expect((await read("offset=-1", { headers })).status).toBe(200);
  });

  it("at the tail is 304, too, and 200 with what came since", async () => {
    await recorded(anEvent());
    const query = `offset=${next(await read("offset=-1"))}`;
    const headers = { "If-None-Match": (await read(query)).headers.get("ETag") ?? "" };

    expect((await read(query, { headers })).status).toBe(304);
    await recorded(anEvent());
    expect((await read(query, { headers })).status).toBe(200);
  });

  it("of offset=now has no ETag, and is never 304", async () => {
    await recorded(anEvent());
    const response = await read("offset=now", { headers: { "If-None-Match": "*" } });
    expect([response.status, await response.text()]).toEqual([200, "[]"]);
    expect(response.headers.has("ETag")).toBe(false);
    expect(response.headers.get("Stream-Up-To-Date")).toBe("true");
  });
});

describe("a cache", () => {
  it.each([
    ["offset=-1", "GET", "private, no-cache"],
    ["offset=now", "GET", "no-store"],
    ["offset=-1", "HEAD", "no-store"],
    ["offset=now&live=long-poll", "GET", "no-store"],
    ["offset=-1&live=long-poll", "GET", "private, no-cache"],
    ["offset=-1&live=sse", "GET", "no-store"],
    ["offset=nothing", "GET", "no-store"],
  ])("of an answer to %s (%s) is told %s", async (query, method, expected) => {
    await recorded(anEvent());
    const response = await read(query, { method });
    await response.text();
    expect(response.headers.get("Cache-Control")).toBe(expected);
  });

  it("gets a cursor of the present interval of 20 seconds, and one that is higher than any that it sends", async () => {
    await recorded(anEvent());
    expect(cursorOf(await read("offset=-1"))).toBe(CURSOR);
    expect(cursorOf(await read(`offset=-1&live=long-poll&cursor=${CURSOR - 1}`))).toBe(CURSOR);
    for (const sent of [CURSOR, CURSOR + 1, CURSOR + 1_000_000]) {
      const given = cursorOf(await read(`offset=-1&live=long-poll&cursor=${sent}`));
      expect(given).toBeGreaterThan(sent);
      expect(given).toBeLessThanOrEqual(sent + MAX_MOVE);
    }
  });

  it("gets a cursor that is moved by 1 to 3,600 seconds", () => {
    expect([0, 0.5, 1 - Number.EPSILON].map((random) => nextCursor(CURSOR, START, random) - CURSOR)).toEqual([
      1, 91, 180,
    ]);
  });

  it("gets no lower cursor in the course of a stream", async () => {
    await recorded(...Array.from({ length: 30 }, () => anEvent()));
    const text = await (await read(`offset=-1&limit=1&live=sse&cursor=${CURSOR}`)).text();
    const cursors = controlsIn(text).map(({ streamCursor }) => Number(streamCursor));
    expect(cursors).toHaveLength(30);
    expect(cursors[0]).toBeGreaterThan(CURSOR);
    expect(cursors.toSorted((a, b) => a - b)).toEqual(cursors);
  });
});

describe("a page of another origin", () => {
  it.each(READS)("may read the answer to %s, and its headers", async (query) => {
    await recorded(anEvent());
    const response = await read(query, { headers: { Origin: "https://portal.example.org" } });
    await response.text();
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
    expect(response.headers.get("Access-Control-Expose-Headers")?.split(", ")).toEqual(
      expect.arrayContaining([
        "Stream-Next-Offset",
        "Stream-Up-To-Date",
        "Stream-Cursor",
        "Stream-Complete-Through",
        "ETag",
      ]),
    );
  });
});

describe("a stream of Server-Sent Events", () => {
  it("goes on for an EventSource that comes back with the id of the last control event", async () => {
    await recorded(anEvent({ message: "one" }), anEvent({ message: "two" }));
    const query = "offset=-1&live=sse&limit=1&field=message";
    const text = await (await read(query)).text();
    const [id = ""] = /(?<=^id: ).*$/m.exec(text) ?? [];
    expect(id).toBe(controlsIn(text)[0]?.streamNextOffset);

    const again = await (await read(query, { headers: { "Last-Event-ID": id } })).text();
    expect(text).toContain('data: [{"id":1,"message":"one"}]\n');
    expect(again).not.toContain('"one"');
    expect(again).toContain('data: [{"id":2,"message":"two"}]\n');
  });

  it.each(["nothing", "a".repeat(256)])("refuses another id: %s", async (id) => {
    const headers = { "Last-Event-ID": id };
    expect((await read("offset=-1&live=sse", { headers })).status).toBe(400);
    expect((await read("live=sse", { headers })).status).toBe(400);
    expect((await read("offset=-1", { headers })).status).toBe(200);
  });
});

describe("writes", () => {
  it.each(["POST", "PUT", "PATCH", "DELETE"])("by %s are 405", async (method) => {
    expect((await read("", { method })).status).toBe(405);
  });
});

it("nobody without a token reads", async () => {
  for (const query of READS) expect((await request(`/api/events/feed/?${query}`)).status).toBe(401);
});
