import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { database } from "../../src/db/client.ts";
import { matchOf } from "../../src/events/search/match.ts";
import { recordEvents } from "../../src/events/write/record.ts";
import { MAX_TYPES, MAX_TYPES_OF_PRODUCER } from "../../src/events/write/types.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, messages, query, recorded } from "../support/world.ts";

const CUSTOMER = hex("customer");

/** One event of each of `count` types that nobody knows, in one transaction. */
const inventedTypes = (producer: string, count: number, prefix = producer) =>
  Array.from({ length: count }, (_, index) =>
    anEvent({ eventType: `${prefix}_${index}`, producer, message: `${prefix} ${index}`, created: index }),
  );

const longestCounter = () => env.DB.prepare("SELECT max(length(codes)) AS n FROM counters").first<number>("n");
const numbered = () => env.DB.prepare("SELECT count(*) AS n FROM event_types WHERE id >= 1000").first<number>("n");
const total = async (token: string, search: string) =>
  Number((await get(`/api/events/${search}`, token, { method: "HEAD" })).headers.get("X-Result-Count"));

describe("a producer that invents event types", () => {
  it("never makes the counters grow beyond its own share of types", async () => {
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER));
    const before = (await longestCounter()) ?? 0;
    for (let round = 0; round < 5; round++) await recorded(...inventedTypes("stranger", 1_000, `round${round}`));

    expect(await numbered()).toBe(MAX_TYPES_OF_PRODUCER);
    // One more code, that of all other types.
    expect(((await longestCounter()) ?? 0) - before).toBeLessThan(20);
  });

  it("never takes the share of another producer", async () => {
    await recorded(...inventedTypes("stranger", 3 * MAX_TYPES_OF_PRODUCER));
    await recorded(...inventedTypes("honest", 3));

    const { results } = await env.DB.prepare("SELECT name FROM event_types WHERE producer = 'honest'").all();
    expect(results.map(({ name }) => name).sort()).toEqual(["honest_0", "honest_1", "honest_2"]);
  });

  it.each([
    ["stranger", "honest"],
    ["honest", "stranger"],
  ])("never keeps a type without a number that another sends in the same batch (%s first)", async (...producers) => {
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER));
    await recorded(...producers.map((producer) => anEvent({ eventType: "shared", producer })));

    const { results } = await env.DB.prepare("SELECT producer FROM event_types WHERE name = 'shared'").all();
    expect(results).toEqual([{ producer: "honest" }]);
  });

  it("never gets more than the common limit together with others", async () => {
    const producers = Array.from({ length: MAX_TYPES / MAX_TYPES_OF_PRODUCER + 2 }, (_, index) => `p${index}`);
    for (const producer of producers) await recorded(...inventedTypes(producer, MAX_TYPES_OF_PRODUCER));

    expect(await numbered()).toBe(MAX_TYPES);
  });

  it("pays few rows for a request of invented types, however many it has sent before", async () => {
    const rowsRead = async (prefix: string) => {
      let read = 0;
      const batch: D1Database["batch"] = async (statements) => {
        const results = await env.DB.batch(statements);
        read += results.reduce((sum, { meta }) => sum + meta.rows_read, 0);
        return results as never;
      };
      const prepare: D1Database["prepare"] = (text) => env.DB.prepare(text);
      await recordEvents(database({ prepare, batch }), inventedTypes("stranger", 1_000, prefix));
      return read;
    };
    await rowsRead("first");
    const second = await rowsRead("second");
    for (let round = 0; round < 5; round++) await rowsRead(`round${round}`);

    expect(await rowsRead("last")).toBeLessThan(second * 1.02);
  });
});

it("a reader who asks for one name in 2,000 spellings never makes the index look it up 2,000 times", () => {
  const spelling = (index: number) =>
    [..."spelled_in_many_ways"].map((letter, at) => ((index >> at) & 1 ? letter.toUpperCase() : letter)).join("");
  const others = Array.from({ length: 2_000 }, (_, index) => spelling(index));
  const range = { from: -Infinity, to: Infinity };
  const types = { numbers: [], others };

  expect(matchOf({ kind: "search", concerns: [], values: {}, oldestFirst: false, range, types })).not.toContain(" OR ");
});

it("a reader never learns from a page token that hidden events have a type, nor loses the token by their arrival", async () => {
  const { token } = await aPerson({ roles: [{ scope: CUSTOMER }] });
  const own = () => anEvent({ eventType: "customer_update_succeeded", context: { customer_uuid: CUSTOMER } });
  await recorded(...Array.from({ length: 30 }, own));
  const asked: [string, string][] = [
    ["scope", `/api/customers/${CUSTOMER}/`],
    ["event_type", "customer_update_succeeded"],
    ["event_type", "secret_type"],
  ];
  const link = async () => (await get(`/api/events/${query(...asked)}`, token)).headers.get("Link");
  const before = await link();
  await recorded(anEvent({ eventType: "secret_type", context: { customer_uuid: hex("other") } }));

  expect(await link()).toBe(before);
});

describe("events of a type beyond the limits", () => {
  it("are listed under their own name and counted exactly, by each filter and with every other type", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER, "known"));
    const rare = (message: string, more = {}) =>
      anEvent({ eventType: "too_many", producer: "stranger", message, created: 7_000_000, ...more });
    await recorded(
      rare("one", { context: { customer_uuid: CUSTOMER } }),
      rare("two"),
      anEvent({ eventType: "too_many_others", producer: "stranger", message: "three" }),
      anEvent({ eventType: "TOO_MANY", producer: "stranger", message: "four" }),
    );

    expect(await messages(token, query(["event_type", "too_many"]))).toEqual(["one", "two"]);
    expect(await messages(token, query(["event_type", "TOO_MANY"]))).toEqual(["four"]);
    expect(await messages(token, query(["event_type", "too_many"], ["customer_uuid", CUSTOMER]))).toEqual(["one"]);
    expect(await total(token, query(["event_type", "too_many"]))).toBe(2);
    expect(await total(token, query(["event_type", "too_many"], ["event_type", "known_3"]))).toBe(3);
    expect(await total(token, query(["event_type", "too_many"], ["event_type", "never_sent"]))).toBe(2);
    expect(await total(token, query(["event_type", "too_man"]))).toBe(0);
    const [event] = await (await get(`/api/events/${query(["message", "three"])}`, token)).json<
      { event_type: string }[]
    >();
    expect(event?.event_type).toBe("too_many_others");
    const months = await (await get(`/api/events-stats/${query(["event_type", "too_many"])}`, token)).json();
    expect(months).toEqual([{ year: 1970, month: 1, count: 2 }]);
  });

  it("are retrieved by their type only", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER, "known"));
    const event = anEvent({ eventType: "too_many", producer: "stranger" });
    await recorded(event);

    expect((await get(`/api/events/${event.uuid}/${query(["event_type", "too_many"])}`, token)).status).toBe(200);
    expect((await get(`/api/events/${event.uuid}/${query(["event_type", "Too_many"])}`, token)).status).toBe(404);
  });

  it("keep a name that another producer makes known later: both are found", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER, "known"));
    await recorded(anEvent({ eventType: "shared", producer: "stranger", message: "before", created: 1 }));
    await recorded(anEvent({ eventType: "shared", producer: "honest", message: "after", created: 2 }));

    expect(await messages(token, query(["event_type", "shared"]))).toEqual(["after", "before"]);
    expect(await total(token, query(["event_type", "shared"]))).toBe(2);
  });

  it("leave every counter when they are deleted", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...inventedTypes("stranger", MAX_TYPES_OF_PRODUCER, "known"));
    const events = Array.from({ length: 3 }, () => anEvent({ eventType: "too_many", producer: "stranger" }));
    await recorded(...events);
    await env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(events[0]?.uuid).run();

    expect(await total(token, query(["event_type", "too_many"]))).toBe(2);
    expect(await total(token, "")).toBe(MAX_TYPES_OF_PRODUCER + 2);
  });
});
