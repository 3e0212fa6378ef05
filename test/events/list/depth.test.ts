import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { bigLog, CUSTOMERS, linkOf, load, TYPES, USERS } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { get, query } from "../../support/world.ts";

type Filter = Readonly<Record<string, string | string[]>>;

const TEXTS = [
  "volume",
  "õUN",
  "Я",
  "字",
  "漢",
  "a%b",
  "_",
  "\\",
  '"q',
  "ß",
  "near(",
  "e 9",
  " ",
  "early",
  "zzz",
  "b\th",
  "ZED VOL",
  "no such words at all",
];

/** What the server should find, by plain comparison. */
function expected(events: readonly NewEvent[], filter: Filter): NewEvent[] {
  const has = (event: NewEvent, key: string) => (JSON.parse(event.context) as Record<string, unknown>)[key];
  const upper = (text: string) =>
    [...text].map((letter) => (letter.toUpperCase().length > 1 ? letter : letter.toUpperCase())).join("");
  const ids = new Map(events.map((event, index) => [event, index]));
  const oldestFirst = filter.o === "created";
  return events
    .filter((event) => {
      const { created_from, created_to, message, event_type, related_user_uuid } = filter;
      return (
        (created_from === undefined || event.created >= Number(created_from) * 1e6) &&
        (created_to === undefined || event.created < Number(created_to) * 1e6) &&
        (message === undefined || upper(event.message).includes(upper(String(message)))) &&
        (event_type === undefined || event_type.includes(event.eventType)) &&
        ["customer_uuid", "user_uuid", "auth_method"].every(
          (key) => filter[key] === undefined || has(event, key) === filter[key],
        ) &&
        (related_user_uuid === undefined ||
          ["user_uuid", "affected_user_uuid"].some((key) => has(event, key) === related_user_uuid))
      );
    })
    .sort(
      (a, b) => (oldestFirst ? a.created - b.created : b.created - a.created) || (ids.get(a) ?? 0) - (ids.get(b) ?? 0),
    );
}

function randomFilter(random: Random): Filter {
  const day = () => String(Math.floor(Date.UTC(2025, 1, 1) / 1000 + random.next() * 560 * 86_400));
  return {
    ...(random.next() < 0.25 ? { message: random.pick(TEXTS) } : {}),
    ...(random.next() < 0.4 ? { customer_uuid: random.pick(CUSTOMERS) } : {}),
    ...(random.next() < 0.15 ? { user_uuid: random.pick(USERS) } : {}),
    ...(random.next() < 0.1 ? { related_user_uuid: random.pick(USERS) } : {}),
    ...(random.next() < 0.05 ? { auth_method: random.pick(["pat", "token", "p"]) } : {}),
    ...(random.next() < 0.4 ? { event_type: [random.pick(TYPES), random.pick([...TYPES, "unheard of"])] } : {}),
    ...(random.next() < 0.25 ? { created_from: day() } : {}),
    ...(random.next() < 0.25 ? { created_to: day() } : {}),
    ...(random.next() < 0.4 ? { o: "created" } : {}),
  };
}

const pairs = (filter: Filter) =>
  Object.entries(filter).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]));

it("lists, counts and pages are those of a model, at every depth, by number and by token", async () => {
  const { token } = await aPerson({ staff: true });
  const events = bigLog(6000, 7);
  await load(events);
  const random = new Random(11);
  const uuids = async (response: Response) => (await response.json<{ uuid: string }[]>()).map(({ uuid }) => uuid);

  for (let round = 0; round < 90; round++) {
    const filter = randomFilter(random);
    const all = expected(events, filter).map(({ uuid }) => uuid);
    const size = [1, 7, 30, 300][round % 4] ?? 10;
    const pages = Math.max(1, Math.ceil(all.length / size));
    const url = (...more: [string, string][]) =>
      `/api/events/${query(...pairs(filter), ["page_size", String(size)], ...more)}`;
    const about = `round ${round}: ${url()} of ${all.length}`;

    const count = await get(`/api/events/count/${query(...pairs(filter))}`, token);
    expect(await count.json(), about).toEqual({ count: all.length });

    for (const number of new Set([1, 2, Math.ceil(pages / 2), pages])) {
      if (number > pages) continue;
      const page = await get(url(["page", String(number)]), token);
      expect(page.headers.get("X-Result-Count"), about).toBe(String(all.length));
      expect(await uuids(page), `${about}, page ${number}`).toEqual(all.slice((number - 1) * size, number * size));
    }
    expect((await get(url(["page", String(pages + 1)]), token)).status, about).toBe(404);
    const last = await get(url(["page", "last"]), token);
    expect(await uuids(last), about).toEqual(all.slice((pages - 1) * size));

    // From the middle on by `next`, then back again by `prev`.
    let response = await get(url(["page", String(Math.ceil(pages / 2))]), token);
    let number = Math.ceil(pages / 2);
    for (let hops = 0; hops < 3; hops++) {
      const next = linkOf(response, "next");
      expect(next === undefined, `${about}, next of ${number}`).toBe(number >= pages);
      if (next === undefined) break;
      number += 1;
      response = await get(next, token);
      expect(Number.parseInt(new URL(next, "https://x").searchParams.get("page") ?? "", 10)).toBe(number);
      expect(await uuids(response), `${about}, next: page ${number}`).toEqual(
        all.slice((number - 1) * size, number * size),
      );
    }
    for (let hops = 0; hops < 4; hops++) {
      const previous = linkOf(response, "prev");
      expect(previous === undefined, `${about}, prev of ${number}`).toBe(number === 1);
      if (previous === undefined) break;
      number -= 1;
      response = await get(previous, token);
      expect(await uuids(response), `${about}, prev: page ${number}`).toEqual(
        all.slice((number - 1) * size, number * size),
      );
    }
  }

  // Once more, now that an isolate has hints of where first pages lie; and after new, late and deleted events.
  const asked = (log: readonly NewEvent[], seed: number) => {
    const again = new Random(seed);
    return Array.from({ length: 50 }, () => randomFilter(again)).map((filter) => ({
      filter,
      found: expected(log, filter),
    }));
  };
  const more = bigLog(300, 99);
  const steps: [NewEvent[], () => Promise<unknown>][] = [
    [events, async () => undefined],
    [[...events, ...more], () => load(more)],
    [[...events.slice(10), ...more], () => env.DB.exec("DELETE FROM events WHERE id <= 10")],
  ];
  for (const [log, change] of steps) {
    await change();
    for (const { filter, found } of asked(log, 11)) {
      for (const size of [7, 30]) {
        const page = await get(`/api/events/${query(...pairs(filter), ["page_size", String(size)])}`, token);
        const about = `again, ${JSON.stringify(filter)}`;
        expect(page.headers.get("X-Result-Count"), about).toBe(String(found.length));
        expect(await uuids(page), about).toEqual(found.slice(0, size).map(({ uuid }) => uuid));
      }
    }
  }
});
