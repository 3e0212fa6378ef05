import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { bigLog, CUSTOMERS, linkOf, load, USERS } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { get, query, runMinute } from "../../support/world.ts";

const STAGES = 5;
/** So many that the matches of the common searches are kept, and more are added to them later. */
const EVENTS = 1_500;
const SIZE = 50;

type Wanted = [string, string][];
const SEARCHES: readonly Wanted[] = [
  [["message", "e"]],
  [["message", "õu"]],
  [["message", "VOL"]],
  [["message", "volume"]],
  [["message", "early"]],
  [
    ["message", "ar"],
    ["event_type", "project_created"],
  ],
  [
    ["customer_uuid", CUSTOMERS[0] ?? ""],
    ["user_uuid", USERS[0] ?? ""],
  ],
  [
    ["message", "a"],
    ["created_from", String(Date.UTC(2025, 4, 1) / 1000)],
    ["created_to", String(Date.UTC(2026, 1, 1) / 1000)],
  ],
];

/** A plain look at one event. */
function isMatch({ message, eventType, context, created }: NewEvent, wanted: Wanted): boolean {
  const values: Record<string, unknown> = JSON.parse(context);
  return wanted.every(([name, value]) => {
    if (name === "message") return message.toUpperCase().includes(value.toUpperCase());
    if (name === "event_type") return eventType === value;
    if (name === "created_from") return created >= Number(value) * 1e6;
    if (name === "created_to") return created < Number(value) * 1e6;
    return values[name] === value;
  });
}

/** The uuids of the matches in list order. `stored` are in the order of their ids. */
function expected(stored: readonly NewEvent[], wanted: Wanted, oldestFirst: boolean): string[] {
  const found = stored.filter((event) => isMatch(event, wanted));
  const sign = oldestFirst ? 1 : -1;
  return found.sort((a, b) => sign * (a.created - b.created)).map(({ uuid }) => uuid);
}

/** Asks for a page; its uuids and its links. */
async function ask(token: string, path: string) {
  const response = await get(path, token);
  const found = (await response.json<{ uuid: string }[]>()).map(({ uuid }) => uuid.replaceAll("-", ""));
  const total = Number(response.headers.get("X-Result-Count"));
  return { found, total, next: linkOf(response, "next"), previous: linkOf(response, "prev") };
}

it("searches find what a plain look at every event finds, while events are written and deleted", async () => {
  const { token } = await aPerson({ staff: true });
  const random = new Random(20_261_125);
  const log = bigLog(STAGES * EVENTS, 11);
  let stored: NewEvent[] = [];
  for (let stage = 0; stage < STAGES; stage++) {
    const fresh = log.slice(stage * EVENTS, (stage + 1) * EVENTS);
    await load(fresh);
    stored.push(...fresh);
    if (stage === 3) {
      const gone = new Set(stored.filter(() => random.oneIn(40)).map(({ uuid }) => uuid));
      await env.DB.prepare("DELETE FROM events WHERE uuid IN (SELECT value FROM json_each(?))")
        .bind(JSON.stringify([...gone]))
        .run();
      stored = stored.filter(({ uuid }) => !gone.has(uuid));
    }
    await runMinute();
    for (const wanted of SEARCHES) {
      for (const order of ["created", "-created"]) {
        const all = expected(stored, wanted, order === "created");
        const base: Wanted = [...wanted, ["o", order], ["page_size", String(SIZE)]];
        const pageOf = (page: string) => ask(token, `/api/events/${query(...base, ["page", page])}`);
        const pages = Math.max(1, Math.ceil(all.length / SIZE));
        const at = 1 + random.int(pages);
        const name = `${stage} ${query(...base)} ${at}`;
        const slice = (number: number) => all.slice((number - 1) * SIZE, number * SIZE);

        const page = await pageOf(String(at));
        expect([page.total, page.found], name).toEqual([all.length, slice(at)]);
        expect((await pageOf("last")).found, name).toEqual(slice(pages));
        const next = page.next === undefined ? undefined : await ask(token, page.next);
        expect(next?.found, name).toEqual(at < pages ? slice(at + 1) : undefined);
        const previous = page.previous === undefined ? undefined : await ask(token, page.previous);
        expect(previous?.found, name).toEqual(at > 1 ? slice(at - 1) : undefined);
      }
    }
  }
  const windows = await env.DB.prepare(
    "SELECT max(n) AS n FROM (SELECT count(DISTINCT upto_id) AS n FROM search_keys GROUP BY query)",
  ).first("n");
  expect(windows).toBeGreaterThan(1);
});
