import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { clearCaches } from "../../../src/http/cache.ts";
import { type LaggingDatabase, laggingReplicas } from "../../cloud/replicas.ts";
import { linkOf, load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { anEvent, get, hex, query, recorded } from "../../support/world.ts";

const SEED = 20_261_125;
const ROUNDS = 6;
const CUSTOMER = hex("customer");
const SECOND = 1_000_000;
const MARCH = Date.UTC(2026, 2, 1) * 1000;
const MAY = Date.UTC(2026, 4, 1) * 1000;
const MONTH_S = 2_000_000;
const [COMMON, MIDDLING, RARE] = ["user_update_succeeded", "customer_update_succeeded", "project_creation_succeeded"];

/** An event of any type in one of two months; the rare ones and those with the word "early" are all in the first. */
function anyEvent(random: Random, isEarly = random.oneIn(6)): NewEvent {
  const eventType = isEarly && random.oneIn(10) ? RARE : random.oneIn(3) ? MIDDLING : COMMON;
  const context = random.oneIn(2) ? { customer_uuid: CUSTOMER } : {};
  const created = (isEarly ? MARCH : MAY) + random.int(MONTH_S) * SECOND;
  return anEvent({ uuid: random.hex(), created, eventType, context, message: isEarly ? "early" : "late" });
}

/** Lists of several round trips, besides the one for the token, in an isolate that has not read them before. */
const LISTS: [name: string, parameters: [string, string][], trips: number][] = [
  ["first page of a rare type", [["event_type", RARE]], 2],
  [
    "last page of a rare type, oldest first",
    [
      ["event_type", RARE],
      ["o", "created"],
      ["page", "last"],
    ],
    2,
  ],
  [
    "second page of a rare type in a time",
    [
      ["event_type", RARE],
      ["created_to", `${MAY / SECOND + 19e5}`],
      ["page", "2"],
    ],
    3,
  ],
  [
    "deep page of a common type, by days",
    [
      ["event_type", COMMON],
      ["page", "140"],
    ],
    3,
  ],
  [
    "deep page of an object",
    [
      ["customer_uuid", CUSTOMER],
      ["page", "60"],
    ],
    2,
  ],
  [
    "deep page of an object and type in a time",
    [
      ["customer_uuid", CUSTOMER],
      ["event_type", COMMON],
      ["created_from", `${MAY / SECOND + 1e5}`],
      ["created_to", `${MAY / SECOND + 15e5}`],
      ["page", "25"],
    ],
    2,
  ],
  [
    "first page of a search whose matches are all early",
    [
      ["message", "early"],
      ["page_size", "3"],
    ],
    2,
  ],
];

/** What a response shows of the log. */
async function shown(response: Response): Promise<string> {
  const headers = ["ETag", "Link", "X-Result-Count"].map((name) => response.headers.get(name));
  return JSON.stringify([response.status, headers, await response.text()], null, 1);
}

interface Scene {
  cloud: LaggingDatabase;
  random: Random;
  ask: () => Promise<Response>;
  /** Commits before a round trip. */
  write: () => Promise<unknown>;
  /** Whether each round trip reads the newest state; else any since the first. */
  isNewest?: boolean;
}

/** Asks while events are written before each round trip, and what every state since then would have answered. */
async function interleaved({ cloud, random, ask, write, isNewest = false }: Scene) {
  const answers: string[] = [];
  const undisturbed = async () => {
    const { beforeRead, lag } = cloud;
    cloud.beforeRead = async () => {};
    cloud.lag = () => "primary";
    clearCaches();
    answers.push(await shown(await ask()));
    clearCaches();
    Object.assign(cloud, { beforeRead, lag });
  };
  await undisturbed();
  const start = cloud.commits();
  cloud.lag = () => (isNewest ? 0 : random.int(cloud.commits() - start + 1));
  let trips = 0;
  cloud.beforeRead = async () => {
    trips += 1;
    await write();
    await undisturbed();
  };
  const response = await ask();
  cloud.beforeRead = async () => {};
  return { response, answers, trips };
}

async function world() {
  const cloud = await laggingReplicas();
  const random = new Random(SEED);
  const events = Array.from({ length: 3_600 }, () => anyEvent(random));
  await load(events);
  const { token } = await aPerson({ staff: true });
  return { cloud, random, token, stored: events.map(({ uuid }) => uuid) };
}

describe("a list of several round trips", () => {
  it("shows one state of the log when events are written between any two", async () => {
    const { cloud, random, token } = await world();
    let newest = MARCH + MONTH_S * SECOND;
    const write = () => {
      newest += SECOND;
      const others = Array.from({ length: random.int(3) }, () => anyEvent(random, random.oneIn(2)));
      // Ahead of all early ones.
      return recorded({ ...anyEvent(random, true), created: newest }, ...others);
    };

    for (const [name, parameters, least] of LISTS) {
      const ask = () => get(`/api/events/${query(...parameters)}`, token);
      for (let round = 0; round < ROUNDS; round++) {
        const { response, answers, trips } = await interleaved({ cloud, random, ask, write });
        expect(response.status, name).toBe(200);
        expect(answers, name).toContain(await shown(response));
        expect(trips - 1, name).toBeGreaterThanOrEqual(least);
      }
    }
  });

  it("shows one state of the log, or 503, when events are also deleted and take other uuids", async () => {
    const { cloud, random, token, stored } = await world();
    const copies: NewEvent[] = [];
    const changes = [
      () => env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(random.pick(stored)).run(),
      async () => {
        const copy = anyEvent(random);
        copies.push(copy);
        await recorded(copy);
      },
      async () => {
        const copy = copies.pop();
        if (copy) await recorded({ ...copy, content: copy.uuid, uuid: random.hex(), isUpstream: true });
      },
      () => recorded(anyEvent(random)),
      async () => {},
      async () => {},
    ];
    const statuses: number[] = [];
    for (let round = 0; round < 2 * ROUNDS; round++)
      for (const [name, parameters] of LISTS) {
        const ask = () => get(`/api/events/${query(...parameters)}`, token);
        const { response, answers } = await interleaved({ cloud, random, ask, write: () => random.pick(changes)() });
        statuses.push(response.status);
        if (response.status === 503) expect(response.headers.get("Retry-After")).toBe("1");
        else expect(answers, name).toContain(await shown(response));
      }
    expect(statuses.filter((status) => status === 503).length).toBeLessThan(statuses.length / 20);
  });

  it("is 503 when events are deleted between any two round trips", async () => {
    const { cloud, random, token, stored } = await world();
    const write = () => env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(stored.pop()).run();

    const ask = () => get(`/api/events/${query(["event_type", RARE])}`, token);
    const { response, trips } = await interleaved({ cloud, random, ask, write, isNewest: true });

    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    // One for the token, and three attempts of two.
    expect(trips).toBe(7);
    expect((await ask()).status).toBe(200);
  });

  it("leads on from its last event, so that nothing is skipped that was written in between", async () => {
    const { cloud, random, token } = await world();
    const path = `/api/events/${query(["event_type", RARE], ["page_size", "5"])}`;
    const write = () => recorded(anyEvent(random));
    let next: string | undefined = path;
    const seen: string[] = [];
    while (next !== undefined) {
      const url = next;
      const { response } = await interleaved({ cloud, random, ask: () => get(url, token), write });
      seen.push(...(await response.clone().json<{ uuid: string }[]>()).map(({ uuid }) => uuid));
      next = linkOf(response, "next");
    }
    const { results } = await env.DB.prepare(
      "SELECT uuid FROM events WHERE type = (SELECT id FROM event_types WHERE name = ?)",
    )
      .bind(RARE)
      .all<{ uuid: string }>();

    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(20);
    expect(results.map(({ uuid }) => uuid)).toEqual(expect.arrayContaining(seen));
  });
});
