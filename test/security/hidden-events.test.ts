import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { NewEvent } from "../../src/events/event.ts";
import { digestOf, fingerprintOf } from "../../src/events/query.ts";
import { ROLE } from "../../src/events/scopes.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { linkOf } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, get, hex, query, recorded } from "../support/world.ts";

/** Each person asks each kind of question so often in each view, with other filters each time. */
const ROUNDS = 6;
const MIN_REQUESTS = 2_000;
const SEED = 20_261_126;
const T = 1_760_000_000;
const SECOND = 1_000_000;

const [OURS, PROJECT, THEIRS, THEIR_PROJECT] = [hex("ours"), hex("our project"), hex("theirs"), hex("their project")];
const [ME, MEMBER, NOBODY, STAFF] = [hex("me"), hex("member"), hex("nobody"), hex("staff")];
/** Only hidden events name this user. */
const STRANGER = hex("stranger");
const OBJECTS = [OURS, PROJECT, THEIRS, THEIR_PROJECT, ME, STRANGER, NOBODY, hex("unheard of")];
const BOOKMARK = "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683";

type Pair = [name: string, value: string];

/** Events that some of the askers may see. Four share each second. */
const shown = (random: Random): NewEvent[] =>
  Array.from({ length: 120 }, (_, index) => {
    const place = { customer_uuid: OURS, project_uuid: PROJECT };
    const [eventType, context] = random.pick<[string, Record<string, string>]>([
      ["customer_update_succeeded", { customer_uuid: OURS }],
      ["project_update_succeeded", place],
      ["project_update_succeeded", { ...place, user_uuid: ME }],
      ["auth_logged_out", { user_uuid: random.pick([ME, MEMBER]) }],
      ["a_type_of_ours", { user_uuid: ME }],
    ]);
    const created = (T + Math.floor(index / 4)) * SECOND;
    return anEvent({ uuid: random.hex(), created, eventType, message: `Ours ${index % 7}`, context });
  });

/** Events that none of the askers may see, at the same times and in between. Some are in the counters of our customer. */
const hidden = (random: Random): NewEvent[] =>
  Array.from({ length: 150 }, (_, index) => {
    const [eventType, context] = random.pick<[string, Record<string, string>]>([
      ["customer_update_succeeded", { customer_uuid: THEIRS }],
      ["project_update_succeeded", { customer_uuid: THEIRS, project_uuid: THEIR_PROJECT }],
      ["auth_logged_out", { user_uuid: STRANGER }],
      ["a_hidden_type", { customer_uuid: OURS }],
      [`a_hidden_type_${index % 20}`, { customer_uuid: OURS, user_uuid: STRANGER }],
    ]);
    const created = (T + Math.floor(index / 5)) * SECOND + random.pick([0, 0, 0, 7]);
    return anEvent({ uuid: random.hex(), created, eventType, message: `Ours ${index % 7}`, context });
  });

/** Who asks, in the same way in every database. */
async function people(): Promise<{ token: string; headers: Record<string, string> }[]> {
  await aPerson({ uuid: NOBODY });
  const me = await aPerson({ uuid: ME, roles: [{ scope: OURS }] });
  const member = await aPerson({ uuid: MEMBER, roles: [{ type: "project", scope: PROJECT, customer: OURS }] });
  const staff = await aPerson({ uuid: STAFF, staff: true });
  return [
    { token: me.token, headers: {} },
    { token: member.token, headers: {} },
    { token: staff.token, headers: { "X-Impersonated-User-Uuid": ME } },
  ];
}

/** A database with the shown events, and with others in between where there are any. */
async function fill(events: readonly NewEvent[], others: readonly NewEvent[]): Promise<void> {
  clearCaches();
  await emptyStorage();
  // The same log twice, not two of them.
  await env.DB.exec("UPDATE commit_watermark SET incarnation = 7");
  const each = others.length / events.length;
  for (const [index, event] of events.entries())
    await recorded(...others.slice(Math.floor(index * each), Math.floor((index + 1) * each)), event);
  if (others.length > 0)
    await env.DB.prepare("DELETE FROM events WHERE uuid = ? OR uuid = ?").bind(others[0]?.uuid, others[70]?.uuid).run();
}

/** What one response shows, all but its random id. */
async function shownBy(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== "x-request-id").sort();
  return JSON.stringify([response.status, headers, await response.text()], null, 1);
}

/** Asks random questions, and follows what the answers lead to. Returns each request with its answer. */
async function conversation(events: readonly NewEvent[], others: readonly NewEvent[]): Promise<[string, string][]> {
  const random = new Random(SEED);
  const log: [string, string][] = [];
  for (const { token, headers } of await people()) {
    const ask = async (path: string, more: Record<string, string> = {}, method = "GET") => {
      const response = await get(path, token, { method, headers: { ...headers, ...more } });
      log.push([`${method} ${path} ${JSON.stringify(more)}`, await shownBy(response.clone() as Response)]);
      return response;
    };
    for (let round = 0; round < ROUNDS; round++)
      for (const view of views(random))
        for (const question of questions(random, ask, [...view, ...anyFilter(random)], events, others))
          await question();
  }
  return log;
}

type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>;

/** Every kind of question about the events of these parameters. */
function questions(
  random: Random,
  ask: Ask,
  pairs: readonly Pair[],
  events: readonly NewEvent[],
  others: readonly NewEvent[],
): (() => Promise<unknown>)[] {
  const search = (...more: Pair[]) => query(...pairs, ["page_size", random.pick(["1", "3", "10", "300"])], ...more);
  const list = `/api/events/${search()}`;
  const count = `/api/events/count/${query(...pairs)}`;
  const stats = `/api/events-stats/${query(...pairs)}`;
  const one = (from: readonly NewEvent[]) => `/api/events/${random.pick(from).uuid}/${query(...pairs)}`;
  return [
    () => followed(ask, list, "next"),
    () => followed(ask, `/api/events/${search(["page", random.pick(["last", "5"])])}`, "prev"),
    () => ask(`/api/events/${search(["page", random.pick(["2", "9", "1000", "0", "x"])])}`),
    () => ask(list, {}, random.pick(["HEAD", "POST", "OPTIONS"])),
    () => ask(random.pick([count, stats]), {}, "HEAD"),
    () => ask(one(others)),
    () => ask(stats),
    () => asksAgain(ask, list),
    () => asksAgain(ask, count),
    () => asksAgain(ask, one(events)),
    () => forgesTokens(random, ask, pairs, others),
    () => ask(list, { "x-d1-bookmark": random.pick([BOOKMARK, "first-primary"]) }),
    () => ask(`/api/events/${search(["field", "id"], ["field", "message"])}`),
    () => ask(list, { "If-None-Match": "*" }),
    () => ask(random.pick(["/api/events/event_groups/", "/api/events/0/", "/api/events/no-event/"])),
  ];
}

/** Up to six pages, from link to link. */
async function followed(ask: Ask, path: string, rel: string): Promise<void> {
  let next: string | undefined = path;
  for (let pages = 0; next !== undefined && pages < 6; pages++) next = linkOf(await ask(next), rel);
}

async function asksAgain(ask: Ask, path: string): Promise<void> {
  const tag = (await ask(path)).headers.get("ETag");
  if (tag !== null) await ask(path, { "If-None-Match": tag });
}

/** Puts hidden events, and numbers that may be ids, into the token that a list gave. */
async function forgesTokens(random: Random, ask: Ask, pairs: readonly Pair[], others: readonly NewEvent[]) {
  const next = linkOf(await ask(`/api/events/${query(...pairs, ["page_size", "1"])}`), "next");
  const page = new URL(next ?? "", "https://x").searchParams.get("page");
  if (page === null) return;
  const rest = page.split("_").slice(3).join("_");
  for (const { uuid, created } of [random.pick(others), random.pick(others), random.pick(others)])
    for (const key of [uuid, random.int(others.length).toString(36)]) {
      const forged = `2.${random.pick(["a", "b"])}_${created.toString(36)}_${key}_${rest}`;
      await ask(`/api/events/${query(...pairs, ["page", forged])}`);
    }
}

/** Parameters that show events to one of the askers at least, or may do so. */
function views(random: Random): Pair[][] {
  const types = ["customers", "projects", "users", "users", "marketplace-resources", "keys"];
  return [
    [["scope", `/api/customers/${OURS}/`]],
    [["scope", `/api/projects/${PROJECT}/`]],
    [["related_user_uuid", ME]],
    [["scope", `/api/${random.pick(types)}/${random.pick(OBJECTS)}/`]],
    [["scope", `/api/users/${STRANGER}/`]],
    [],
  ];
}

/** One filter, or none. */
function anyFilter(random: Random): Pair[] {
  const filters: (() => Pair[])[] = [
    () => [["event_type", random.pick(["a_hidden_type", "a_type_of_ours", "project_update_succeeded", "unheard_of"])]],
    () => [
      ["event_type", "customer_update_succeeded"],
      ["event_type", random.pick(["a_hidden_type_3", "a_type_of_ours", "unheard_of"])],
    ],
    () => [["feature", random.pick(["projects", "customers", "nothing"])]],
    () => [["customer_uuid", random.pick(OBJECTS)]],
    () => [["user_uuid", random.pick([ME, STRANGER])]],
    () => [["related_user_uuid", random.pick([ME, STRANGER])]],
    () => [["message", random.pick(["ours", "ours 3", "o", "zzz"])]],
    () => [["created_from", String(T + random.int(30))]],
    () => [["created_to", String(T + random.int(30))]],
    () => [["o", random.pick(["created", "-created", "id"])]],
    () => [["customer_uuid", "no uuid"]],
  ];
  return random.oneIn(2) ? [] : random.pick(filters)();
}

it("nobody can tell a database from one that has hidden events as well", async () => {
  const random = new Random(SEED);
  const [events, others] = [shown(random), hidden(random)];
  await fill(events, []);
  const without = await conversation(events, others);
  await fill(events, others);
  const within = await conversation(events, others);

  for (const [index, [asked, answer]] of without.entries()) expect(within[index], asked).toEqual([asked, answer]);
  expect(within).toHaveLength(without.length);
  expect(without.length).toBeGreaterThanOrEqual(MIN_REQUESTS);
  // The questions were no empty ones.
  const statuses = Map.groupBy(without, ([, answer]) => JSON.parse(answer)[0]);
  for (const status of [200, 304, 400, 404]) expect(statuses.get(status)?.length, String(status)).toBeGreaterThan(9);
  expect(without.filter(([, answer]) => answer.includes("Ours 3")).length).toBeGreaterThan(50);
});

it("a page token for a type that only hidden events have is taken, whether or not they are there", async () => {
  const random = new Random(SEED);
  const [events, others] = [shown(random), hidden(random)];
  const visibility = { scopes: [OURS], roles: ROLE.SCOPE };
  const digest = await digestOf(visibility, { types: ["a_hidden_type"], oldestFirst: false });
  const token = `2.a_${T.toString(36)}_${hex("any event")}_${fingerprintOf(digest)}`;
  const path = `/api/events/${query(["scope", `/api/customers/${OURS}/`], ["event_type", "a_hidden_type"], ["page", token])}`;
  const asked = async () => {
    const [{ token: me } = { token: "" }] = await people();
    return shownBy(await get(path, me));
  };

  await fill(events, []);
  const without = await asked();
  await fill(events, others);

  expect(JSON.parse(without)[0]).toBe(200);
  expect(await asked()).toBe(without);
});
