import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { NewEvent } from "../../src/events/event.ts";
import { bigLog, load } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded, rowsRead } from "../support/world.ts";
import { Collector } from "./collector.ts";

const T = 1_760_000_000_000_000;

describe("the feed", () => {
  let token: string;
  beforeEach(async () => {
    ({ token } = await aPerson({ staff: true }));
  });

  it("has events in the order in which they were stored, with their ids, whenever they happened", async () => {
    const events = [T, T - 5, T + 5].map((created) => anEvent({ created }));
    for (const event of events) await recorded(event);

    const response = await get("/api/events/feed/", token);
    const list = await (
      await get(
        "/api/events/?field=id&field=uuid&field=created&field=event_type&field=message&field=context&o=created",
        token,
      )
    ).json();

    const feed = await response.json<{ id: number; uuid: string }[]>();
    expect(feed.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(feed.map(({ uuid }) => uuid)).toEqual(events.map(({ uuid }) => uuid));
    expect([feed[1], feed[0], feed[2]]).toEqual(list);
  });

  it("goes on after what was read, and says when there is nothing more", async () => {
    await recorded(anEvent({ message: "one" }), anEvent({ message: "two" }), anEvent({ message: "three" }));

    const first = await get("/api/events/feed/?limit=2&field=message", token);
    const next = first.headers.get("Stream-Next-Offset");
    const second = await get(`/api/events/feed/?limit=2&field=message&offset=${next}`, token);

    expect(await first.json()).toEqual([
      { id: 1, message: "one" },
      { id: 2, message: "two" },
    ]);
    expect(first.headers.has("Stream-Up-To-Date")).toBe(false);
    expect(await second.json()).toEqual([{ id: 3, message: "three" }]);
    expect(second.headers.get("Stream-Up-To-Date")).toBe("true");
  });

  it("is empty at its end, and the offset stays the same", async () => {
    await recorded(anEvent());
    const { offset } = await new Collector(token).finish();

    const response = await get(`/api/events/feed/?offset=${offset}`, token);

    expect(await response.json()).toEqual([]);
    expect(response.headers.get("Stream-Next-Offset")).toBe(offset);
    expect(response.headers.get("Stream-Up-To-Date")).toBe("true");
  });

  it("tells of a uuid that an event took, and of a deletion, by the id of the event", async () => {
    const event = anEvent({ message: "Ada" });
    await recorded(event, anEvent());
    const collector = await new Collector(token).finish();
    await recorded({ ...event, content: event.uuid, uuid: hex("upstream"), isUpstream: true });
    await env.DB.exec("DELETE FROM events WHERE id = 2");

    await collector.finish();

    expect(collector.messages.slice(2)).toEqual([
      expect.objectContaining({ op: "identity", id: 1, uuid: hex("upstream"), message: "Ada" }),
      { op: "removed", id: 2, uuid: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });

  it("begins with the first event of a time range", async () => {
    const day = 86_400_000_000;
    await recorded(...[T, T + 2 * day, T + 2 * day + 1].map((created) => anEvent({ created })));

    const response = await get(`/api/events/feed/?created_from=${(T + 2 * day) / 1_000_000}`, token);

    expect(await response.json()).toMatchObject([{ id: 2 }, { id: 3 }]);
  });

  it("counts changes as messages, too", async () => {
    const event = anEvent();
    await recorded(event);
    await recorded({ ...event, content: event.uuid, uuid: hex("upstream"), isUpstream: true });
    await env.DB.exec("DELETE FROM events WHERE id = 1");
    await recorded(anEvent());
    const collector = new Collector(token);

    let steps = 0;
    for (; !collector.isUpToDate; steps++) await collector.step(1);

    expect(collector.messages.map(({ op = "event", id }) => `${op} ${id}`)).toEqual(["removed 1", "event 4"]);
    expect(steps).toBe(2);
  });

  it("begins at the end with offset=now, and HEAD tells that place", async () => {
    await recorded(anEvent());
    const now = await get("/api/events/feed/?offset=now", token);
    const head = await get("/api/events/feed/", token, { method: "HEAD" });
    await recorded(anEvent({ message: "later" }));

    const offset = now.headers.get("Stream-Next-Offset");
    const later = await get(`/api/events/feed/?offset=${offset}&field=message`, token);

    expect([now.status, await now.json(), now.headers.get("Cache-Control")]).toEqual([200, [], "no-store"]);
    expect([head.status, head.headers.get("Stream-Next-Offset"), head.headers.get("Cache-Control")]).toEqual([
      200,
      offset,
      "no-store",
    ]);
    expect(await later.json()).toEqual([{ id: 2, message: "later" }]);
  });

  it("answers 304 to who has the same page, and not when one of its events took another uuid", async () => {
    const event = anEvent();
    await recorded(event, anEvent());
    const ask = (etag = "") => get("/api/events/feed/?limit=1", token, { headers: { "If-None-Match": etag } });
    const etag = (await ask()).headers.get("ETag") ?? "";

    expect((await ask(etag)).status).toBe(304);
    await recorded({ ...event, content: event.uuid, uuid: hex("upstream"), isUpstream: true });
    expect((await ask(etag)).status).toBe(200);
  });

  it("answers 200 when the same page is no longer the last one", async () => {
    await recorded(anEvent());
    const ask = (etag = "") => get("/api/events/feed/?limit=1", token, { headers: { "If-None-Match": etag } });
    const last = await ask();
    await recorded(anEvent());

    const response = await ask(last.headers.get("ETag") ?? "");

    expect([last, response].map(({ headers }) => headers.has("Stream-Up-To-Date"))).toEqual([true, false]);
    expect([response.status, await response.json()]).toEqual([200, await last.json()]);
  });

  it("is a list for who follows rel=next, which is there on every page", async () => {
    const event = anEvent({ message: "two" });
    await recorded(anEvent({ message: "one" }), event);
    await env.DB.exec("DELETE FROM events WHERE id = 1");
    const follow = async (path: string) => {
      const response = await get(path, token);
      const head = await get(path, token, { method: "HEAD" });
      expect(head.headers.get("Link")).toBe(response.headers.get("Link"));
      const url = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? "";
      return { body: await response.json(), next: url.replace("https://events.example.org", "") };
    };

    const first = await follow("/api/events/?after=-1&page_size=2&field=message&field=id");
    const second = await follow(first.next);
    await recorded({ ...event, content: event.uuid, uuid: hex("upstream"), isUpstream: true });
    await recorded(anEvent({ message: "three" }));
    const third = await follow(second.next);

    expect([first.body, second.body, third.body]).toEqual([
      [{ id: 2, message: "two" }],
      [],
      [{ id: 5, message: "three" }],
    ]);
  });
});

describe("a page of the feed", () => {
  it("reads little more than a row for each event, and five at the end", async () => {
    const { token } = await aPerson({ staff: true });
    await load(bigLog(2_500, 7));

    const costs: number[] = [];
    let offset = "-1";
    for (let page = 0; page < 4; page++) {
      const response = await get(`/api/events/feed/?limit=1000&offset=${offset}`, token);
      offset = response.headers.get("Stream-Next-Offset") ?? "";
      costs.push(rowsRead(response));
    }

    expect(costs).toEqual([1_007, 1_004, 504, 5]);
  });

  it("reads at most 2,000 rows, whatever it looks for", async () => {
    const { token } = await aPerson({ staff: true });
    const [event, ...others] = bigLog(6_000, 7);
    await load([...(event ? [event] : []), ...others]);
    const customer = JSON.parse(event?.context ?? "{}").customer_uuid ?? hex("nobody");
    await recorded(anEvent({ created: T, message: "A needle in a haystack" }));

    for (const filter of [
      "message=needle in",
      "message=e",
      "message=the project was",
      `customer_uuid=${customer}`,
      "feature=users",
      "event_type=type_of_tomorrow",
      `created_from=${T / 1_000_000}&created_to=${T / 1_000_000 + 1}`,
      "auth_method=session",
      "",
    ]) {
      const collector = new Collector(token, filter);
      for (let count = 0; count < 30 && !collector.isUpToDate; count++) {
        const response = await collector.step(1_000);
        expect(rowsRead(response), filter).toBeLessThanOrEqual(2_000);
      }
      expect(collector.isUpToDate, filter).toBe(true);
    }
  });

  it("reads at most 2,000 rows of large events, and of many that took another uuid", async () => {
    const { token } = await aPerson({ staff: true });
    const ours = (message: string) =>
      anEvent({ message, eventType: "customer_update_succeeded", context: { customer_uuid: hex("ours") } });
    const upstream = (event: NewEvent) => ({ ...event, content: event.uuid, uuid: hex(event.uuid), isUpstream: true });
    const small = Array.from({ length: 140 }, () => ours("small"));
    await recorded(...small);
    const filters = ["", `customer_uuid=${hex("ours")}`, `scope=/api/customers/${hex("ours")}/`];
    const collectors = filters.map((filter) => new Collector(token, filter));
    for (const collector of collectors) await collector.finish();
    await recorded(...small.map(upstream));
    for (let count = 0; count < 950; count += 50)
      await recorded(...Array.from({ length: 50 }, () => ours("x".repeat(4_100))));

    for (const collector of collectors)
      while (!collector.isUpToDate || collector.events.size < 1_090)
        expect(rowsRead(await collector.step(1_000))).toBeLessThanOrEqual(2_000);
  });

  it("reads few rows of a rare filter over a long log", async () => {
    const { token } = await aPerson({ staff: true });
    await load(bigLog(6_000, 7));
    await recorded(anEvent({ created: T + 1e15, message: "A xylophone", context: { customer_uuid: hex("new") } }));

    for (const filter of [`customer_uuid=${hex("new")}`, "message=xyl", `created_from=${(T + 1e15) / 1_000_000 - 1}`]) {
      const response = await get(`/api/events/feed/?${filter}`, token);
      expect(await response.json(), filter).toHaveLength(1);
      expect(response.headers.get("Stream-Up-To-Date"), filter).toBe("true");
      expect(rowsRead(response), filter).toBeLessThan(100);
    }
  });

  it("is the end at once for a time of which nothing has happened yet", async () => {
    const { token } = await aPerson({ staff: true });
    await load(bigLog(3_000, 7));
    const filter = "created_from=4000000000";
    const collector = new Collector(token, filter);

    const response = await collector.step();
    await recorded(anEvent({ created: 4_000_000_001_000_000 }));
    await collector.step();

    expect([response.headers.get("Stream-Up-To-Date"), rowsRead(response)]).toEqual(["true", 16]);
    expect(collector.events.size).toBe(1);
  });

  it("has at most two megabytes, and always at least one event", async () => {
    const { token } = await aPerson({ staff: true });
    const large = () => anEvent({ message: "x".repeat(60_000) });
    for (let batch = 0; batch < 8; batch++) await recorded(...Array.from({ length: 10 }, large));

    const sizes: number[] = [];
    const collector = new Collector(token);
    while (!collector.isUpToDate) {
      const before = collector.messages.length;
      await collector.step(1_000);
      sizes.push(collector.messages.length - before);
    }

    expect(sizes).toEqual([33, 33, 14]);
    expect(collector.messages.every(({ message }) => message?.length === 60_000)).toBe(true);
  });
});

it("up to when everything is there is told at the end of the feed, and by its status", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(anEvent(), anEvent());
  const through = async (query: string) =>
    (await get(`/api/events/feed/?${query}`, token)).headers.get("Stream-Complete-Through");
  const status = async () => await (await get("/api/events/feed/status/", token)).json<{ complete_through: unknown }>();
  expect([await through("limit=2"), (await status()).complete_through]).toEqual([null, null]);

  await env.DB.exec(`UPDATE commit_watermark SET complete_through = ${T}`);

  const time = "2025-10-09T08:53:20Z";
  expect([await through("limit=1"), await through("limit=2"), await through("offset=now")]).toEqual([null, time, time]);
  expect((await status()).complete_through).toBe(time);
});

it("a page of few messages looks further than at as many events that may be wanted", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(
    ...Array.from({ length: 90 }, () => anEvent({ message: "one odd event" })),
    anEvent({ message: "odd one" }),
  );

  const response = await get("/api/events/feed/?limit=1&message=odd one&field=message", token);

  expect(await response.json()).toEqual([{ id: 91, message: "odd one" }]);
});
