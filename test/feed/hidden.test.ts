import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { hiddenId } from "../../src/feed/offset.ts";
import { clearCaches } from "../../src/http/cache.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { emptyStorage } from "../support/storage.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";

const [OURS, THEIRS, ME] = [hex("ours"), hex("theirs"), hex("me")];
/** Microseconds. */
const T = 1_760_000_000_000_000;

/** Steps of a history: what a reader may see of it, and what happens in between that the reader may not see. */
type Step = () => Promise<unknown>;

const shownEvent = (random: Random, index: number): NewEvent =>
  anEvent({
    uuid: random.hex(),
    created: T + index,
    eventType: "customer_update_succeeded",
    message: `Ours ${index % 3}`,
    context: { customer_uuid: OURS, ...(index % 2 === 0 ? { user_uuid: ME } : {}) },
  });

function shownSteps(): Step[] {
  const random = new Random(1);
  const events = Array.from({ length: 12 }, (_, index) => shownEvent(random, index));
  const [first] = events;
  const upstream = { ...first, content: first?.uuid, uuid: random.hex(), isUpstream: true } as NewEvent;
  return [
    ...events.map((event) => () => recorded(event)),
    () => recorded(upstream),
    () => env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(events[3]?.uuid).run(),
  ];
}

const hiddenEvent = (random: Random): NewEvent =>
  anEvent({
    uuid: random.hex(),
    created: T + random.int(12) - 5,
    eventType: random.pick(["customer_update_succeeded", "a_hidden_type"]),
    message: `Ours ${random.int(3)}`,
    context: { customer_uuid: THEIRS, user_uuid: hex("stranger") },
  });

/** Hidden events, changes of their uuids, their deletion one by one, and of all that are older than what is shown. */
async function hiddenStep(random: Random): Promise<void> {
  const events = Array.from({ length: 1 + random.int(5) }, () => hiddenEvent(random));
  await recorded(...events);
  const [first] = events;
  if (first !== undefined && random.oneIn(2))
    await recorded({ ...first, content: first.uuid, uuid: random.hex(), isUpstream: true });
  if (random.oneIn(3)) await env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(events.at(-1)?.uuid).run();
  if (random.oneIn(3)) await runBatch(database(env.DB), deleteOldest(T, 2));
}

/** What readers get who ask after each step, and once more from the beginning, with what is random left out. */
async function responses(hidden: Random | undefined): Promise<unknown[]> {
  clearCaches();
  await emptyStorage();
  const { token } = await aPerson({ uuid: ME, roles: [{ scope: OURS }] });
  const readers = [
    `scope=/api/customers/${OURS}/`,
    `scope=/api/customers/${OURS}/&message=1`,
    `related_user_uuid=${ME}`,
  ].map((filter) => ({ filter, offset: "-1", ids: new Map<string, number>() }));
  const seen: unknown[] = [];
  for (const step of shownSteps()) {
    if (hidden) await hiddenStep(hidden);
    await step();
    if (hidden) await hiddenStep(hidden);
    for (const reader of readers) seen.push(await asked(token, reader));
  }
  for (const reader of readers)
    seen.push(await asked(token, { ...reader, offset: "-1" }), await asked(token, { ...reader, offset: "now" }));
  return seen;
}

async function asked(token: string, reader: { filter: string; offset: string; ids: Map<string, number> }) {
  const { filter, offset, ids } = reader;
  const response = await get(`/api/events/feed/?limit=3&offset=${offset}&${filter}`, token);
  const body = await response.json<{ id?: string }[]>();
  for (const { id } of body) if (id !== undefined && !ids.has(id)) ids.set(id, ids.size);
  const next = response.headers.get("Stream-Next-Offset") ?? "";
  reader.offset = next;
  const random = ["x-request-id", "stream-next-offset", "etag", "content-length"];
  return {
    status: response.status,
    body: body.map((message) => ({ ...message, id: ids.get(message.id ?? "") })),
    headers: [...response.headers].filter(([name]) => !random.includes(name)),
    offset: next === offset ? "the same" : next.replace(/[\w-]/g, "x"),
    hasEtag: response.headers.has("ETag"),
  };
}

/** Cursors change every 20 seconds. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 25) });
});
afterEach(() => {
  vi.useRealTimers();
});

it("two logs that differ in hidden events only give a reader the same feed", async () => {
  const without = await responses(undefined);

  for (const seed of [11, 12, 13]) expect(await responses(new Random(seed))).toEqual(without);
  expect(without.length).toBe(14 * 3 + 6);
});

it("what stands for an id says nothing to who knows another database", async () => {
  const [one, other] = ["1".repeat(64), "2".repeat(64)];

  expect(await hiddenId(7, one)).toBe(await hiddenId(7, one));
  expect(await hiddenId(7, one)).not.toBe(await hiddenId(7, other));
  expect(await hiddenId(7, one)).not.toBe(await hiddenId(8, one));
});
