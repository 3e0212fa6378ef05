import { expect, it } from "vitest";
import { linkOf } from "../support/big-log.ts";
import { Random } from "../support/random.ts";
import { get, query } from "../support/world.ts";
import { expected } from "./model.ts";
import { anyQuestion } from "./question.ts";
import { type Happening, makeWorld, type World } from "./world.ts";

const WORLDS = 18;
const QUESTIONS = 36;
const MIN_REQUESTS = 5_000;
const SEED = 20_261_123;
const PAGE_SIZE = 20;
/** Events of the world asked for one by one, for each question. */
const RETRIEVED = 2;

type Pair = [name: string, value: string];

/** One question as a query string, and how it is asked. */
interface Asked {
  search: (...more: Pair[]) => string;
  ask: (path: string, init?: RequestInit) => Promise<Response>;
  world: World;
  random: Random;
}

/** Ways to reach events. Each throws where what is reached is not what the model expects. */
const PROBES: ((asked: Asked, visible: Happening[]) => Promise<void>)[] = [
  listsAllPages,
  counts,
  asksForHeaders,
  retrieves,
  followsNext,
  tellsMonths,
  comparesTags,
];

it("nobody reaches an event that Waldur would not show them, and everybody reaches all the others", async () => {
  const random = new Random(SEED);
  let requests = 0;
  let reached = 0;
  let refusals = 0;

  for (let number = 0; number < WORLDS; number++) {
    const world = await makeWorld(random);
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const [question, pairs] = anyQuestion(random, world);
      const ask = (path: string, init?: RequestInit) => {
        requests += 1;
        return get(path, question.who.token, init);
      };
      const search = (...more: Pair[]) => query(...pairs, ...more);
      const visible = expected(world, question);
      if (visible === undefined) await isRefused({ search, ask, world, random });
      else for (const probe of PROBES) await probe({ search, ask, world, random }, visible);
      reached += visible?.length ?? 0;
      refusals += visible === undefined ? 1 : 0;
    }
  }

  expect(requests).toBeGreaterThanOrEqual(MIN_REQUESTS);
  // The questions were no empty ones.
  expect(reached).toBeGreaterThan(WORLDS * QUESTIONS);
  expect(refusals).toBeGreaterThan(WORLDS);
});

const uuidsOf = (events: readonly { uuid: string }[]) => events.map(({ uuid }) => uuid);

async function listsAllPages({ search, ask }: Asked, visible: Happening[]): Promise<void> {
  const pages = Math.max(1, Math.ceil(visible.length / PAGE_SIZE));
  const listed: string[] = [];
  for (let page = 1; page <= pages; page++) {
    const response = await ask(`/api/events/${search(["page_size", `${PAGE_SIZE}`], ["page", `${page}`])}`);
    expect(response.status, search()).toBe(200);
    expect(response.headers.get("X-Result-Count"), search()).toBe(`${visible.length}`);
    listed.push(...uuidsOf(await response.json<{ uuid: string }[]>()));
  }
  expect(listed, search()).toEqual(uuidsOf(visible));
  const beyond = await ask(`/api/events/${search(["page_size", `${PAGE_SIZE}`], ["page", `${pages + 1}`])}`);
  expect(beyond.status, search()).toBe(404);
}

async function counts({ search, ask }: Asked, visible: Happening[]): Promise<void> {
  const response = await ask(`/api/events/count/${search()}`);
  expect(await response.json(), search()).toEqual({ count: visible.length });
}

async function asksForHeaders({ search, ask }: Asked, visible: Happening[]): Promise<void> {
  for (const path of ["/api/events/", "/api/events/count/"]) {
    const response = await ask(`${path}${search()}`, { method: "HEAD" });
    expect(response.headers.get("X-Result-Count"), search()).toBe(`${visible.length}`);
  }
}

async function retrieves({ search, ask, world, random }: Asked, visible: Happening[]): Promise<void> {
  const shown = new Set(uuidsOf(visible));
  for (let tried = 0; tried < RETRIEVED; tried++) {
    const from = tried === 0 && visible.length > 0 ? visible : world.happenings;
    const { uuid } = random.pick(from);
    for (const key of [uuid, world.ids.get(uuid)]) {
      const response = await ask(`/api/events/${key}/${search()}`);
      expect(response.status, `${key} ${search()}`).toBe(shown.has(uuid) ? 200 : 404);
      const body = await response.json<{ uuid?: string }>();
      expect(body.uuid, search()).toBe(shown.has(uuid) ? uuid : undefined);
    }
  }
}

async function followsNext({ search, ask }: Asked, visible: Happening[]): Promise<void> {
  const listed: string[] = [];
  let path: string | undefined = `/api/events/${search(["page_size", `${PAGE_SIZE}`])}`;
  while (path !== undefined) {
    const response: Response = await ask(path);
    listed.push(...uuidsOf(await response.json<{ uuid: string }[]>()));
    path = linkOf(response, "next");
  }
  expect(listed, search()).toEqual(uuidsOf(visible));
}

/** events-stats reads only some of the filters, so it is asked only where those are all there are. */
async function tellsMonths({ search, ask }: Asked, visible: Happening[]): Promise<void> {
  const names = [...new URLSearchParams(search()).keys()];
  if (!names.every((name) => ["scope", "related_user_uuid", "event_type", "o"].includes(name))) return;
  const months = new Map<string, number>();
  for (const { second } of visible) {
    const month = new Date(second * 1000).toISOString().slice(0, 7);
    months.set(month, (months.get(month) ?? 0) + 1);
  }
  const told = await (await ask(`/api/events-stats/${search()}`)).json<
    { year: number; month: number; count: number }[]
  >();
  const found = told.map(({ year, month, count }) => [`${year}-${String(month).padStart(2, "0")}`, count]);
  expect(found, search()).toEqual([...months].sort().reverse());
}

/** Everybody asks the same: tags are the same for those who are shown the same, and differ for the others. */
async function comparesTags({ search, world, random }: Asked): Promise<void> {
  for (const path of [`/api/events/${search()}`, `/api/events/count/${search()}`]) {
    const bodies = new Map<string, string>();
    for (const { token } of [random.pick(world.people), random.pick(world.people), random.pick(world.people)]) {
      const response = await get(path, token);
      if (response.status !== 200) continue;
      const tag = response.headers.get("ETag") ?? "";
      const shown = `${response.headers.get("X-Result-Count")} ${await response.text()}`;
      expect(bodies.get(shown) ?? tag, path).toBe(tag);
      bodies.set(shown, tag);
      expect((await get(path, token, { headers: { "If-None-Match": tag } })).status, path).toBe(304);
    }
    expect(new Set(bodies.values()).size, path).toBe(bodies.size);
  }
}

async function isRefused({ search, ask, world, random }: Asked): Promise<void> {
  const { uuid } = random.pick(world.happenings);
  for (const path of ["/api/events/", "/api/events/count/", `/api/events/${uuid}/`]) {
    const response = await ask(`${path}${search()}`);
    expect(response.status, search()).toBe(400);
    expect(await response.json(), search()).toEqual([expect.stringMatching(/^Can't restore object from url: /)]);
    expect(response.headers.has("X-Result-Count")).toBe(false);
  }
}
