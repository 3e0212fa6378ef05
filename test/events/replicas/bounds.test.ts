import { beforeEach, describe, expect, it, vi } from "vitest";
import { clearCaches } from "../../../src/http/cache.ts";
import { moveToDataCentre } from "../../cloud/isolate.ts";
import { type LaggingDatabase, laggingReplicas } from "../../cloud/replicas.ts";
import { linkOf } from "../../support/big-log.ts";
import { stopClock } from "../../support/clock.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, query, recorded } from "../../support/world.ts";

const OURS = hex("ours");
const SCOPE: [string, string] = ["scope", `/api/customers/${OURS}/`];
const OUR_LIST = `/api/events/${query(SCOPE, ["page_size", "2"])}`;
const FULL_LIST = "/api/events/?page_size=2";
const BOOKMARK = /^[0-9a-f]{8}-/;

let cloud: LaggingDatabase;
let staff: string;
let owner: string;
let place: string;

const ours = (uuid = crypto.randomUUID().replaceAll("-", "")) =>
  anEvent({ uuid, eventType: "customer_update_succeeded", context: { customer_uuid: OURS } });

/** Replicas have what was written so far. From now on the newest is so many commits behind. */
const lag = (commits: number | "primary") => {
  cloud.lag = () => commits;
};

/** The next requests reach another isolate, of this data centre or of a new one. */
function move(where: "isolate" | "data centre"): void {
  clearCaches();
  if (where === "data centre") {
    place = crypto.randomUUID();
    moveToDataCentre(place);
  }
}

const uuids = async (response: Response) => (await response.clone().json<{ uuid: string }[]>()).map(({ uuid }) => uuid);

/** The request, and which states it read for events: not those of the token. */
async function reading(path: string, token: string, headers: Record<string, string> = {}) {
  await get("/api/events/event_groups/", token);
  cloud.reads.length = 0;
  const response = await get(path, token, { headers });
  return { response, reads: cloud.reads.map((at) => cloud.commits() - Number(at)) };
}

const tagOf = (response: Response) => ({ "If-None-Match": response.headers.get("ETag") ?? "no tag" });

beforeEach(async () => {
  stopClock("2026-05-01T00:00:00Z");
  cloud = await laggingReplicas();
  staff = (await aPerson({ staff: true })).token;
  owner = (await aPerson({ roles: [{ scope: OURS }] })).token;
  // Notes the day of their use, which is a commit.
  for (const token of [staff, owner]) await get("/api/events/event_groups/", token);
  for (let count = 0; count < 6; count++) await recorded(ours());
  move("data centre");
});

describe("a client that sends nothing but its token", () => {
  it.each([
    ["staff", () => staff, FULL_LIST],
    ["a user", () => owner, OUR_LIST],
  ])("never sees less than before, from whichever isolate of a data centre: %s", async (_who, who, list) => {
    lag(0);
    const before = await uuids(await get(list, who()));
    lag(3);
    const same = await reading(list, who());
    move("isolate");
    const other = await reading(list, who());

    expect(await uuids(same.response)).toEqual(before);
    expect(await uuids(other.response)).toEqual(before);
    // The isolate knew the bookmark; the other one asked a second time, from the shared one.
    expect([same.reads, other.reads]).toEqual([[0], [3, 0]]);
  });

  it("is told nothing of the bookmark unless it may be", async () => {
    lag(0);
    const [told, untold] = [await get(OUR_LIST, staff), await get(OUR_LIST, owner)];

    expect(told.headers.get("x-d1-bookmark")).toMatch(BOOKMARK);
    expect(untold.headers.has("x-d1-bookmark")).toBe(false);
  });

  it("may see less in another data centre, and only there", async () => {
    lag(0);
    const before = await uuids(await get(OUR_LIST, owner));
    lag(1);
    move("data centre");

    const { response } = await reading(OUR_LIST, owner);

    expect(await uuids(response)).not.toEqual(before);
    expect((await uuids(response))[0]).toBe(before[1]);
  });

  it("is served although the cache of the data centre fails", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.mocked(caches.open).mockRejectedValue(new Error("Cache is away."));
    lag(2);

    expect((await get(OUR_LIST, owner)).status).toBe(200);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("bookmark_not_shared"));
  });
});

it("a bookmark that the database never gave is not remembered", async () => {
  lag(0);
  const made = "00000001-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683";
  const { reads } = await reading("/api/events/", staff, { "x-d1-bookmark": made });
  lag(6);
  move("isolate");
  const { response } = await reading("/api/events/", staff);

  expect(reads).toEqual([0]);
  expect(response.headers.get("X-Result-Count")).toBe("0");
});

describe("in another data centre, whose replica is behind", () => {
  it.each([
    ["staff, by its version", () => staff, "/api/events/"],
    ["staff, by the version of a search", () => staff, "/api/events/?message=event"],
    ["staff, by the version of a count", () => staff, "/api/events/count/"],
    ["staff, by its hash", () => staff, OUR_LIST],
    ["a user, by its hash", () => owner, OUR_LIST],
    ["a user, of a count", () => owner, `/api/events/count/${query(SCOPE)}`],
  ])("an ETag is a lower bound, for one more round trip at most: %s", async (_which, who, path) => {
    lag(0);
    const tag = tagOf(await get(path, who()));
    lag(2);
    move("data centre");

    const { response, reads } = await reading(path, who(), tag);

    expect(response.status).toBe(304);
    expect(reads.at(-1)).toBe(0);
    expect(reads.slice(0, -1).every((behind) => behind === 2)).toBe(true);
    expect(reads.length).toBeLessThanOrEqual(3);
  });

  it("an ETag of what the replica has costs no second round trip", async () => {
    lag(2);
    const tag = tagOf(await get(OUR_LIST, owner));
    move("data centre");

    const { response, reads } = await reading(OUR_LIST, owner, tag);

    expect([response.status, reads]).toEqual([304, [2]]);
  });

  it.each([
    ["staff", () => staff, FULL_LIST],
    ["a user", () => owner, OUR_LIST],
  ])("a page token is a lower bound: %s", async (_who, who, list) => {
    lag(0);
    const first = await get(list, who());
    const next = linkOf(first, "next") ?? "no next page";
    const second = await uuids(await get(next, who()));
    lag(4);
    move("data centre");
    // An isolate learns from a read that there are replicas.
    await get("/api/events/count/", staff);

    const { response, reads } = await reading(next, who());

    expect(await uuids(response)).toEqual(second);
    expect(reads).toEqual([4, 0]);
  });

  it("a page token of an event that the replica has costs no second round trip", async () => {
    lag(1);
    const next = linkOf(await get(OUR_LIST, owner), "next") ?? "no next page";
    const { reads } = await reading(next, owner);

    move("data centre");
    // An isolate learns from a read that there are replicas.
    await get(FULL_LIST, staff);
    expect(reads).toEqual([1]);
    expect((await reading(next, owner)).reads).toEqual([1]);
  });

  it.each<[string, () => string, (uuid: string) => string, number]>([
    ["an event", () => staff, (uuid) => `/api/events/${uuid}/`, 200],
    ["an event of a user", () => owner, (uuid) => `/api/events/${uuid}/${query(SCOPE)}`, 200],
    ["a page", () => staff, () => "/api/events/?page=7&page_size=1", 200],
    ["an event that is nowhere", () => staff, () => `/api/events/${hex("nowhere")}/`, 404],
  ])("nothing is denied without the primary: %s", async (_what, who, path, status) => {
    const event = ours();
    await recorded(event);
    lag(1);

    const { response, reads } = await reading(path(event.uuid), who());

    expect(response.status).toBe(status);
    expect(reads).toEqual([1, 0]);
  });

  it("nobody learns from a forged page token whether a hidden event is there", async () => {
    const hidden = anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: hex("theirs") } });
    await recorded(hidden);
    await recorded(ours());
    lag(0);
    const next = linkOf(await get(OUR_LIST, owner), "next") ?? "no next page";
    const forged = (uuid: string) =>
      next.replace(/_[0-9a-z]+_[0-9a-f]{32}_/, `_${hidden.created.toString(36)}_${uuid}_`);
    lag(1);

    const [there, nowhere] = [await reading(forged(hidden.uuid), owner), await reading(forged(hex("no")), owner)];

    expect(await uuids(there.response)).toEqual(await uuids(nowhere.response));
    expect(there.reads).toEqual(nowhere.reads);
  });
});

it("without replicas, no bound costs another round trip", async () => {
  lag("primary");
  const first = await get(OUR_LIST, owner);
  await recorded(ours());
  const next = linkOf(first, "next") ?? "no next page";

  for (const [path, headers] of [
    [OUR_LIST, tagOf(first)],
    [next, {}],
    [`/api/events/${hex("nowhere")}/`, {}],
  ] as const)
    expect((await reading(path, owner, headers)).reads.length, path).toBe(1);
});
