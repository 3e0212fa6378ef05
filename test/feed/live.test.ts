import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_OPEN_READS } from "../../src/feed/open-reads.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded, rowsRead } from "../support/world.ts";

const START = Date.UTC(2026, 10, 25, 12);
const scope = `scope=/api/customers/${hex("ours")}/`;
const ofOurs = (message: string) =>
  anEvent({ message, eventType: "customer_update_succeeded", context: { customer_uuid: hex("ours") } });

/** A bell at which time passes at once; before each wait ends, something may happen. Only Date is stopped, not D1. */
function aBell(meanwhile: (wait: number) => Promise<unknown> | undefined = () => undefined) {
  const waits: number[][] = [];
  const wait = async (after: number, ms: number) => {
    waits.push([after, ms]);
    const happened = await meanwhile(waits.length);
    if (happened === undefined) vi.setSystemTime(Date.now() + ms);
    return happened === undefined ? after : after + 1;
  };
  return { waits, FEED_BELL: { getByName: () => ({ wait, ring: async () => undefined }) } };
}

/** The Server-Sent Events of a text: name and data. */
const eventsIn = (text: string) =>
  [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => [name, JSON.parse(data ?? "")]);

const read = (token: string, query: string, bell: ReturnType<typeof aBell> = aBell()) =>
  get(`/api/events/feed/?${query}`, token, {}, { FEED_BELL: bell.FEED_BELL });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a long poll", () => {
  it("answers at once when there is something", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "there" }));
    const bell = aBell();

    const response = await read(token, "offset=-1&live=long-poll&field=message", bell);

    expect([response.status, await response.json(), bell.waits]).toEqual([200, [{ id: 1, message: "there" }], []]);
  });

  it("does not wait before the end, even where it has found nothing", async () => {
    const { token } = await aPerson({ staff: true });
    const early = Date.UTC(2026, 0, 1) * 1_000;
    await recorded(...Array.from({ length: 101 }, (_, index) => anEvent({ created: early + 8 + index })));
    const bell = aBell();

    const query = `created_to=${Date.UTC(2026, 0, 1) / 1_000 + 0.000001}&field=message`;
    const response = await read(token, `offset=-1&live=long-poll&limit=1&${query}`, bell);

    expect([response.status, await response.json(), bell.waits]).toEqual([200, [], []]);
    expect(response.headers.has("Stream-Up-To-Date")).toBe(false);
  });

  it("waits for an event at the end, and then has it", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());
    const bell = aBell((wait) => (wait === 2 ? recorded(anEvent({ message: "new" })) : undefined));

    const response = await read(token, "offset=now&live=long-poll&field=message", bell);

    expect([response.status, await response.json()]).toEqual([200, [{ id: 2, message: "new" }]]);
    expect(bell.waits).toEqual([
      [1, 20_000],
      [1, 5_000],
    ]);
  });

  it("is 204 after 25 seconds, with the same offset, and a cursor that never goes back", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent());
    const first = await read(token, "offset=now");
    const [offset, cursor] = [first.headers.get("Stream-Next-Offset"), first.headers.get("Stream-Cursor")];

    const response = await read(token, `offset=${offset}&live=long-poll&cursor=${Number(cursor) + 7}`);

    expect([response.status, await response.text(), Date.now() - START]).toEqual([204, "", 25_000]);
    expect(response.headers.get("Stream-Next-Offset")).toBe(offset);
    expect(response.headers.get("Stream-Up-To-Date")).toBe("true");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(Number(response.headers.get("Stream-Cursor"))).toBeGreaterThan(Number(cursor) + 7);
  });

  it("reads no row while the bell says that nothing came, and two when it is woken for nothing", async () => {
    const [ada, eve] = [await aPerson({ staff: true }), await aPerson({ staff: true })];
    await recorded(anEvent());
    for (const { token } of [ada, eve]) await read(token, "offset=now");
    const isWoken = (wait: number) => (wait === 1 ? Promise.resolve(true) : undefined);

    const quiet = await read(ada.token, "offset=now&live=long-poll");
    vi.setSystemTime(START);
    const woken = await read(eve.token, "offset=now&live=long-poll", aBell(isWoken));

    expect([quiet, woken].map(rowsRead)).toEqual([2, 2 + 2]);
  });

  it("as NDJSON has the messages as lines, and then where to go on", async () => {
    const { token } = await aPerson({ staff: true });
    const bell = aBell((wait) => (wait === 1 ? recorded(anEvent({ message: "new" })) : undefined));
    const headers = { Accept: "application/x-ndjson" };
    const ask = (query: string) => get(`/api/events/feed/?${query}`, token, { headers }, { FEED_BELL: bell.FEED_BELL });

    const response = await ask("offset=now&live=long-poll&field=message");
    const lines = new TextDecoder()
      .decode(await response.arrayBuffer())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

    expect(lines).toEqual([
      { id: 1, message: "new" },
      { op: "control", streamNextOffset: expect.any(String), upToDate: true },
    ]);
    expect((await ask(`offset=${lines[1].streamNextOffset}&live=long-poll`)).status).toBe(204);
  });

  it("is not woken for what its reader may not see, and its offset stays the same", async () => {
    const { token } = await aPerson({ roles: [{ scope: hex("ours") }] });
    await recorded(ofOurs("one"));
    const first = await read(token, `offset=-1&${scope}`);
    const offset = first.headers.get("Stream-Next-Offset");

    const response = await read(
      token,
      `offset=${offset}&live=long-poll&${scope}`,
      aBell((wait) => (wait === 1 ? recorded(anEvent(), anEvent()) : undefined)),
    );

    expect([response.status, response.headers.get("Stream-Next-Offset")]).toEqual([204, offset]);
  });

  it("ends with 401 when its token is revoked, within a minute", async () => {
    const { token, hash } = await aPerson({ staff: true });
    await recorded(anEvent());
    const bell = aBell((wait) => {
      if (wait === 1)
        return env.DB.prepare("DELETE FROM tokens WHERE hash = ?")
          .bind(hash)
          .run()
          .then(() => undefined);
      return undefined;
    });
    const revokedAt = Date.now();

    const statuses: number[] = [];
    while (statuses.at(-1) !== 401) statuses.push((await read(token, "offset=now&live=long-poll", bell)).status);

    expect(statuses.slice(0, -1).every((status) => status === 204)).toBe(true);
    expect(Date.now() - revokedAt).toBeLessThanOrEqual(60_000);
  });

  it("has what a new role shows, and not what a revoked role showed", async () => {
    const { token, uuid } = await aPerson({ roles: [{ scope: hex("ours") }] });
    await recorded(ofOurs("one"));
    const revoke = async () => {
      await env.DB.prepare("DELETE FROM roles WHERE user_uuid = ?").bind(uuid).run();
      clearCaches();
      await recorded(ofOurs("two"));
    };

    const response = await read(
      token,
      `offset=now&live=long-poll&${scope}`,
      aBell((wait) => (wait === 1 ? revoke() : undefined)),
    );

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual([expect.stringContaining("Can't restore object")]);
  });
});

describe("a stream of Server-Sent Events", () => {
  it("has messages as they come, each with where to go on, and ends after 55 seconds", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "one" }));
    const bell = aBell((wait) =>
      wait === 2 ? recorded(anEvent({ message: "two" }), anEvent({ message: "three\n\r" })) : undefined,
    );

    const response = await read(token, "offset=-1&live=sse&field=message", bell);
    const events = eventsIn(await response.text());

    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(Date.now() - START).toBe(55_000);
    expect(events.filter(([name]) => name === "data").map(([, data]) => data)).toEqual([
      [{ id: 1, message: "one" }],
      [
        { id: 2, message: "two" },
        { id: 3, message: "three\n\r" },
      ],
    ]);
    expect(events.map(([name]) => name)).toEqual(["data", "control", "data", "control"]);
    const { streamNextOffset, streamCursor, upToDate } = (events.at(-1) ?? [])[1] ?? {};
    expect([upToDate, typeof streamCursor]).toEqual([true, "string"]);
    expect(await (await read(token, `offset=${streamNextOffset}`)).json()).toEqual([]);
  });

  it("tells where the end is when there is nothing, and keeps the connection with comments", async () => {
    const { token } = await aPerson({ staff: true });

    const text = await (await read(token, "offset=now&live=sse")).text();

    expect(eventsIn(text)).toEqual([["control", expect.objectContaining({ upToDate: true })]]);
    expect(text.split("\n\n").filter((part) => part === ":")).toHaveLength(3);
  });

  it("has JSON whatever else the client accepts", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "one" }));
    const headers = { Accept: "text/csv" };
    const { FEED_BELL } = aBell();

    const stream = await get("/api/events/feed/?offset=-1&live=sse&field=message", token, { headers }, { FEED_BELL });

    expect(eventsIn(await stream.text())[0]).toEqual(["data", [{ id: 1, message: "one" }]]);
  });

  it("has offsets that sort, also where only more completeness is told", async () => {
    const { token } = await aPerson({ roles: [{ scope: hex("ours") }] });
    await recorded(ofOurs("one"));
    const bell = aBell(async (wait) => {
      vi.setSystemTime(Date.now() + 1_000);
      return env.DB.exec(`UPDATE commit_watermark SET complete_through = ${wait}000000`);
    });

    const events = eventsIn(await (await read(token, `offset=-1&live=sse&${scope}`, bell)).text());

    const offsets = events.flatMap(([name, data]) => (name === "control" ? [data.streamNextOffset] : []));
    expect(offsets).toHaveLength(4);
    // The time is what makes them sort, and the rest is random.
    const times = offsets.map((offset) => offset.split(".")[0]);
    expect(times).toEqual([...new Set(times)].sort());
  });

  it("catches up page by page before it waits", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...Array.from({ length: 5 }, (_, index) => anEvent({ message: String(index) })));

    const events = eventsIn(await (await read(token, "offset=-1&live=sse&limit=2&field=message")).text());

    const sizes = events.filter(([name]) => name === "data").map(([, data]) => data.length);
    expect(sizes).toEqual([2, 2, 1]);
    const controls = events.filter(([name]) => name === "control").map(([, { upToDate }]) => upToDate);
    expect(controls).toEqual([undefined, undefined, true]);
  });

  it("ends when its token is revoked", async () => {
    const { token, hash } = await aPerson({ staff: true });
    const bell = aBell((wait) => {
      if (wait > 1) return undefined;
      return env.DB.prepare("DELETE FROM tokens WHERE hash = ?")
        .bind(hash)
        .run()
        .then(() => clearCaches());
    });

    const text = await (await read(token, "offset=now&live=sse", bell)).text();

    expect(eventsIn(text)).toHaveLength(1);
    expect(Date.now() - START).toBe(20_000);
  });
});

describe("open answers of one token", () => {
  it("are limited, and one that ends, or whose client goes away, makes room", async () => {
    const { token } = await aPerson({ staff: true });
    const other = await aPerson({ staff: true });
    const open = await Promise.all(Array.from({ length: MAX_OPEN_READS }, () => read(token, "offset=now&live=sse")));

    const refused = await read(token, "offset=now&live=sse");
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "30"]);
    expect((await read(token, "offset=now")).status).toBe(200);
    const another = await read(other.token, "offset=now&live=sse");
    expect(another.status).toBe(200);

    await open[0]?.body?.cancel();
    const next = await read(token, "offset=now&live=sse");
    expect(next.status).toBe(200);
    await open[1]?.text();
    const last = await read(token, "offset=now&live=sse");
    expect(last.status).toBe(200);
    for (const response of [...open.slice(2), another, next, last]) await response.body?.cancel();
  });

  it("are not counted when they are refused for another reason", async () => {
    const { token } = await aPerson({ staff: true });
    for (let count = 0; count <= MAX_OPEN_READS; count++) {
      expect((await read(token, "offset=nothing&live=sse")).status).toBe(400);
      expect((await read(token, "offset=now&live=long-poll", aBell())).status).toBe(204);
    }
  });
});
