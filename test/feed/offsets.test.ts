import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import { beginIncarnation } from "../../src/events/log/incarnation.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";
import { Collector } from "./collector.ts";

const OURS = hex("ours");
const NOT_OURS = { offset: ["Is not an offset of this feed, or was made for another filter."] };
const ofOurs = () => anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: OURS } });
const scope = (uuid = OURS) => `scope=/api/customers/${uuid}/`;

const answer = async (token: string, query: string) => {
  const response = await get(`/api/events/feed/?${query}`, token);
  return [response.status, await response.json()];
};

describe("an offset", () => {
  it.each([
    "",
    "0",
    "-2",
    "NOW",
    "1.2.3.4",
    "0mwwiscpv.00000000002.0.bb5bb1b3a774x",
    "0mwwiscpv.00000000002.0.000000000000",
    "0mwwiscpv.AAAA",
    `0mwwiscpv.${"A".repeat(150)}`,
    "%00",
    "../../etc",
  ])("that nobody was given is 400: %j", async (offset) => {
    const staff = await aPerson({ staff: true });
    const ada = await aPerson({ roles: [{ scope: OURS }] });

    expect(await answer(staff.token, `offset=${offset}`)).toEqual([400, NOT_OURS]);
    expect(await answer(ada.token, `offset=${offset}&${scope()}`)).toEqual([400, NOT_OURS]);
  });

  it("that is not valid is named as the list calls it", async () => {
    const { token } = await aPerson({ staff: true });
    const response = await get("/api/events/?after=x", token);
    expect([response.status, await response.json()]).toEqual([400, { after: NOT_OURS.offset }]);
  });

  it("of more than 255 characters is 400", async () => {
    const { token } = await aPerson({ staff: true });
    expect(await answer(token, `offset=${"a".repeat(256)}`)).toEqual([
      400,
      { offset: ["Is not an offset of this feed."] },
    ]);
  });

  it("that was made for another filter is 400, and is good with other fields and another limit", async () => {
    const staff = await aPerson({ staff: true });
    const ada = await aPerson({ roles: [{ scope: OURS }, { scope: hex("theirs") }] });
    await recorded(ofOurs());
    const all = await new Collector(staff.token).finish();
    const ours = await new Collector(ada.token, scope()).finish();

    expect(await answer(staff.token, `offset=${all.offset}&message=Ada`)).toEqual([400, NOT_OURS]);
    expect(await answer(ada.token, `offset=${ours.offset}&${scope(hex("theirs"))}`)).toEqual([400, NOT_OURS]);
    expect(await answer(ada.token, `offset=${all.offset}`)).toEqual([400, NOT_OURS]);
    expect(await answer(staff.token, `offset=${ours.offset}&${scope()}`)).toEqual([400, NOT_OURS]);
    expect(await answer(staff.token, `offset=${all.offset}&field=uuid&limit=3&o=created`)).toEqual([200, []]);
    expect(await answer(ada.token, `offset=${ours.offset}&field=uuid&limit=3&${scope()}`)).toEqual([200, []]);
  });

  it("is 410 when another object turns out to belong to its scope, whose earlier events it has not had", async () => {
    const [customer, project, resource, vm] = [OURS, hex("project"), hex("resource"), hex("vm")];
    const place = { customer_uuid: customer, project_uuid: project };
    const staff = await aPerson({ staff: true });
    const ada = await aPerson({ roles: [{ scope: customer }] });
    await recorded(
      anEvent({ eventType: "marketplace_resource_create_requested", context: { ...place, resource_uuid: resource } }),
    );
    const ofResource = `scope=/api/marketplace-resources/${resource}/`;
    const collectors = [staff, ada].map(({ token }) => new Collector(token, ofResource));
    for (const collector of collectors) await collector.finish();

    await recorded(
      anEvent({ eventType: "resource_creation_succeeded", context: { ...place, resource_uuid: vm } }),
      anEvent({
        eventType: "marketplace_resource_create_succeeded",
        context: { ...place, resource_uuid: resource, resource_backend_uuid: vm },
      }),
    );
    for (const collector of collectors) await collector.finish();
    clearCaches();
    for (const collector of collectors) await collector.finish();

    const counts = collectors.map(({ events, restarts }) => [events.size, restarts]);
    expect(counts).toEqual([
      [3, 1],
      [3, 1],
    ]);
  });

  it("of a reader who sees a part cannot be changed", async () => {
    const ada = await aPerson({ roles: [{ scope: OURS }] });
    await recorded(ofOurs());
    const { offset } = await new Collector(ada.token, scope()).finish();

    for (const place of [0, 8, 12, 40, offset.length - 2]) {
      const letter = offset[place] === "b" ? "c" : "b";
      const changed = offset.slice(0, place) + letter + offset.slice(place + 1);
      expect(await answer(ada.token, `offset=${changed}&${scope()}`), `${place}`).toEqual([400, NOT_OURS]);
    }
  });

  it("is good for ever, whatever is written and deleted one by one", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent(), anEvent());
    const { offset } = await new Collector(token).finish();
    await recorded(anEvent({ message: "three" }), anEvent());
    await env.DB.exec("DELETE FROM events WHERE id IN (1, 4)");

    const response = await get(`/api/events/feed/?field=message&offset=${offset}`, token);

    const [one, ...others] = await response.json<{ id: number }[]>();
    expect(one).toEqual({ id: 3, message: "three" });
    expect(others.map(({ id }) => id)).toEqual([1, 4]);
  });

  it("is 410 when retention has deleted events that its reader has not read, and says where to begin", async () => {
    const { token } = await aPerson({ staff: true });
    const created = 1_700_000_000_000_000;
    await recorded(anEvent({ created }), anEvent({ created }), anEvent());
    const behind = new Collector(token);
    await behind.step(1);
    const upToDate = await new Collector(token).finish();

    await runBatch(database(env.DB), deleteOldest(created + 1));

    const [status, body] = await answer(token, `offset=${behind.offset}`);
    expect([status, body]).toEqual([410, { detail: expect.stringContaining("deleted by retention"), offset: "-1" }]);
    expect((await upToDate.finish()).messages.at(-1)).toEqual({
      ...{ op: "removed", created_before: "2023-11-14T22:13:20Z", id_from: 1 },
    });
    expect([...upToDate.events.keys()]).toEqual([3]);
    await behind.finish();
    expect([behind.restarts, [...behind.events.keys()]]).toEqual([1, [3]]);
  });

  it("is good for who began after a period was deleted, whatever the numbers of its events", async () => {
    const { token } = await aPerson({ staff: true });
    const created = 1_700_000_000_000_000;
    await recorded(anEvent({ created }), anEvent({ created: created - 1 }), anEvent({ created }));
    await runBatch(database(env.DB), deleteOldest(created));
    const collector = new Collector(token);

    while (!collector.isUpToDate) expect((await collector.step(1)).status).toBe(200);

    expect([...collector.events.keys()]).toEqual([1, 3]);
  });

  it("of a reader who sees a part is later than the one before, also at the same time", async () => {
    const ada = await aPerson({ roles: [{ scope: OURS }] });
    await recorded(...Array.from({ length: 6 }, ofOurs));
    stopClock("2026-05-01T00:00:00Z");
    const collector = await new Collector(ada.token, scope()).finish(1);

    const times = collector.offsets.map((offset) => offset.split(".")[0]);
    expect(times).toHaveLength(6);
    expect(times).toEqual([...new Set(times)].sort());
  });

  it("is 410 after a restore, for all readers", async () => {
    const staff = await aPerson({ staff: true });
    const ada = await aPerson({ roles: [{ scope: OURS }] });
    await recorded(ofOurs());
    const all = await new Collector(staff.token).finish();
    const ours = await new Collector(ada.token, scope()).finish();

    await runBatch(database(env.DB), [beginIncarnation(Date.UTC(2030, 0, 1))]);

    const restored = { detail: expect.stringContaining("was restored"), offset: "-1" };
    expect(await answer(staff.token, `offset=${all.offset}`)).toEqual([410, restored]);
    expect(await answer(ada.token, `offset=${ours.offset}&${scope()}`)).toEqual([410, restored]);
    const { offset } = await new Collector(staff.token).finish();
    expect(offset > all.offset).toBe(true);
  });
});

it.each([
  ["live=long-poll", { offset: ["Is required with live."] }],
  ["live=websocket&offset=-1", { live: ["Must be long-poll or sse."] }],
  ["limit=0", { limit: ["Must be from 1 to 1000."] }],
  ["limit=1001", { limit: ["Must be from 1 to 1000."] }],
  ["limit=1e2", { limit: ["Enter a whole number."] }],
  ["limit=", { limit: ["Enter a whole number."] }],
  ["cursor=-1", { cursor: ["Is not a cursor of this feed."] }],
  ["created_from=yesterday", { created_from: ["Enter a number."] }],
])("a request with %s is 400", async (query, body) => {
  const { token } = await aPerson({ staff: true });
  expect(await answer(token, query)).toEqual([400, body]);
});
