import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { linkOf } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, query, recorded } from "../../support/world.ts";

const [OURS, THEIRS] = [hex("ours"), hex("theirs")];
const SECOND = 1_000_000;
const T = 1_700_000_000 * SECOND;
const EVENTS = 40;
/** Events of the same time. */
const TIE = 8;

const MESSAGE: [string, string] = ["message", "event"];

/** Events of one customer in list order; eight share each second. */
const feed = (customer = OURS): NewEvent[] =>
  Array.from({ length: EVENTS }, (_, index) =>
    anEvent({
      uuid: hex(`${customer} ${index}`),
      created: T - Math.floor(index / TIE) * SECOND,
      eventType: "customer_update_succeeded",
      message: "an event",
      context: { customer_uuid: customer, auth_method: "token" },
    }),
  );

const reader = () => aPerson({ roles: [{ scope: OURS }] });

const path = (...pairs: [string, string][]) => `/api/events/${query(["scope", `/api/customers/${OURS}/`], ...pairs)}`;

const uuids = async (response: Response) => (await response.clone().json<{ uuid: string }[]>()).map(({ uuid }) => uuid);

const uuidsOf = (events: readonly NewEvent[]) => events.map(({ uuid }) => uuid);

const pageIn = (response: Response, rel: string) =>
  new URL(linkOf(response, rel) ?? "", "https://x").searchParams.get("page") ?? "no page";

describe("the page tokens of a user who sees a part of the log", () => {
  it.each<[list: string, filter: [string, string][]]>([
    ["of an object", []],
    ["of an object, oldest first", [["o", "created"]]],
    ["by type", [["event_type", "customer_update_succeeded"]]],
    ["of a search", [MESSAGE]],
    ["of a search, oldest first", [MESSAGE, ["o", "created"]]],
  ])("lead through a list %s and back", async (_list, filter) => {
    const { token } = await reader();
    const events = feed();
    for (const [index, event] of events.entries()) await recorded(event, ...feed(THEIRS).slice(index, index + 1));
    const all = filter.some(([name]) => name === "o") ? events.toSorted((a, b) => a.created - b.created) : events;

    const seen: string[] = [];
    let response = await get(path(...filter, ["page_size", "3"]), token);
    for (;;) {
      seen.push(...(await uuids(response)));
      const next = linkOf(response, "next");
      if (next === undefined) break;
      response = await get(next, token);
    }
    expect(seen).toEqual(uuidsOf(all));
    for (let end = EVENTS - 1; end > 0; end -= 3) {
      response = await get(linkOf(response, "prev") ?? "", token);
      expect(await uuids(response)).toEqual(uuidsOf(all.slice(end - 3, end)));
    }
    expect(linkOf(response, "prev")).toBeUndefined();
  });

  it("name the event by its uuid; those of staff by its id", async () => {
    const events = feed();
    await recorded(...feed(THEIRS), ...events);
    const time = events[1]?.created.toString(36);

    const ours = pageIn(await get(path(["page_size", "2"]), (await reader()).token), "next");
    const staffs = pageIn(await get(path(["page_size", "2"]), (await aPerson({ staff: true })).token), "next");

    expect(ours).toMatch(new RegExp(`^2\\.a_${time}_${events[1]?.uuid}_[0-9a-f]{12}_[0-9a-z]{8}$`));
    expect(staffs).toMatch(new RegExp(`^2\\.a_${time}_${(EVENTS + 2).toString(36)}_[0-9a-f]{12}_[0-9a-z]{8}$`));
  });

  it("with an id are an invalid page, while staff may use both", async () => {
    const [{ token }, staff] = [await reader(), await aPerson({ staff: true })];
    await recorded(...feed());
    const byUuid = path(["page", pageIn(await get(path(), token), "next")]);
    const byId = path(["page", pageIn(await get(path(), staff.token), "next")]);

    const refused = await get(byId, token);

    expect([refused.status, await refused.json()]).toEqual([404, { detail: "Invalid page." }]);
    const expected = uuidsOf(feed().slice(10, 20));
    for (const [of, who] of [
      [byUuid, token],
      [byUuid, staff.token],
      [byId, staff.token],
    ] as const)
      expect(await uuids(await get(of, who))).toEqual(expected);
  });

  it("of an event that has taken another uuid still mean its place", async () => {
    const { token } = await reader();
    const events = feed();
    await recorded(...events);
    const page = await get(path(["page_size", "11"]), token);
    const [named] = events.slice(10, 11).map((event) => ({ ...event, uuid: hex("its new uuid"), content: event.uuid }));
    if (named !== undefined) await recorded(named);

    expect(await uuids(await get(path(["page", pageIn(page, "next")]), token))).toEqual(uuidsOf(events.slice(11, 21)));
  });

  it.each([
    // Page 2 ends with the event at 19, and page 3 begins with the one at 20; both are of the time from 16 to 23.
    ["next", "2", 19, 16],
    ["prev", "3", 20, 13],
  ])(
    "of an event that has gone mean its time, so that %s of page %s skips nothing",
    async (rel, number, gone, first) => {
      const { token } = await reader();
      const events = feed();
      await recorded(...events);
      const page = await get(path(["page", number]), token);
      await env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(events[gone]?.uuid).run();

      const shown = await uuids(await get(linkOf(page, rel) ?? "", token));

      expect(shown).toEqual(uuidsOf(events.toSpliced(gone, 1).slice(first, first + 10)));
    },
  );

  it("tell nothing of hidden events: any other uuid means the same place", async () => {
    const { token } = await reader();
    const [ours, theirs] = [feed(), feed(THEIRS)];
    await recorded(...ours.slice(0, 4), ...theirs, ...ours.slice(4));
    const page = pageIn(await get(path(), token), "next");
    const forged = (uuid: string | undefined) => path(["page", page.replace(/_[0-9a-f]{32}_/, `_${uuid}_`)]);

    const of = async (uuid: string | undefined) => uuids(await get(forged(uuid), token));

    expect(await of(theirs[9]?.uuid)).toEqual(await of(hex("nothing")));
    expect(await of(hex("nothing"))).toEqual(uuidsOf(ours.slice(8, 18)));
  });

  it("cost one round trip and three rows more than an id", async () => {
    const [{ token }, staff] = [await reader(), await aPerson({ staff: true })];
    await recorded(...feed());
    const batches: D1Result[][] = [];
    const DB = new Proxy(env.DB, {
      get(real, name) {
        if (name !== "withSession") return Reflect.get(real, name);
        return (bookmark: string) => {
          const session = real.withSession(bookmark);
          const batch: D1DatabaseSession["batch"] = async (statements) => {
            const results = await session.batch<never>(statements);
            batches.push(results);
            return results;
          };
          return { prepare: (sql: string) => session.prepare(sql), batch, getBookmark: () => session.getBookmark() };
        };
      },
    });
    const cost = async (who: string) => {
      const link = linkOf(await get(path(), who), "next") ?? "";
      batches.splice(0);
      await get(link, who, {}, { DB });
      return { trips: batches.length, rows: batches.flat().reduce((sum, { meta }) => sum + meta.rows_read, 0) };
    };

    const [ours, staffs] = [await cost(token), await cost(staff.token)];

    expect([ours.trips, staffs.trips]).toEqual([1, 1]);
    expect(ours.rows - staffs.rows).toBeLessThanOrEqual(3);
  });

  it("work with every filter at once, within the 100 parameters of a statement", async () => {
    const [project, resource, vm, pat, me] = ["project", "resource", "vm", "pat", "me"].map(hex);
    const { token } = await aPerson({ uuid: me ?? "", roles: [{ scope: OURS }] });
    const context = {
      ...{ customer_uuid: OURS, project_uuid: project, user_uuid: me, auth_method: "token", pat_uuid: pat },
      ...{ resource_uuid: resource, resource_backend_uuid: vm },
    };
    const eventType = "marketplace_resource_update_succeeded";
    await recorded(...["1", "2"].map((n) => anEvent({ eventType, message: `an event ${n}`, context })));
    const filters = {
      ...{ scope: `/api/marketplace-resources/${resource}/`, message: "an event", auth_method: "token", pat_uuid: pat },
      ...{ customer_uuid: OURS, project_uuid: project, user_uuid: me, related_user_uuid: me },
      ...{ created_from: "1", created_to: "2000000000", event_type: eventType, page_size: "1" },
    };
    const first = await get(`/api/events/${query(...Object.entries(filters).map(pair))}`, token);

    const second = await get(linkOf(first, "next") ?? "", token);

    expect(await uuids(second)).toHaveLength(1);
    expect(await uuids(second)).not.toEqual(await uuids(first));
  });
});

const pair = ([name, value]: [string, string | undefined]): [string, string] => [name, value ?? ""];
