import { expect, it } from "vitest";
import { deliver } from "../support/batch.ts";
import { expectExactCounters } from "../support/history.ts";
import { hook, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";
import { Random } from "../support/random.ts";
import { request } from "../support/world.ts";

const PRODUCERS = ["honest", "stranger", "thief", "upstream"] as const;
const INGEST_SECRETS = JSON.stringify({
  honest: ["s"],
  stranger: ["s"],
  thief: ["s"],
  upstream: { secrets: ["s"], is_upstream: true },
});
const UUIDS = ["1", "2", "3"].map((last) => `0b5c1a4e00004000800000000000000${last}`);
const HISTORIES = 30;
const REQUESTS = 12;

/** An event that was answered with 202. */
interface Accepted {
  producer: string;
  /** The uuid, or the Idempotency-Key, that its producer chose. */
  id: string | undefined;
  content: string;
  uuid: string;
  receipt: string;
}

/** A random event of few contents and uuids, so that producers often meet. */
const anyEvent = (random: Random) => ({
  ...hook({ message: random.pick(["A", "B", "C"]) }),
  ...(random.oneIn(3) ? {} : { uuid: random.pick(UUIDS) }),
});

async function send(random: Random, producer: string) {
  const { queue, bodies } = aQueue();
  const events = Array.from({ length: random.oneIn(3) ? 2 : 1 }, () => anyEvent(random));
  const key = random.oneIn(5) ? random.pick(["k1", "k2"]) : undefined;
  const headers = { Authorization: "Bearer s", "Content-Type": "application/json" };
  const response = await request(
    `/ingest/${producer}`,
    {
      method: "POST",
      headers: { ...headers, ...(key ? { "Idempotency-Key": key } : {}) },
      body: JSON.stringify(events),
    },
    { INGEST_SECRETS, INGEST_QUEUE: queue },
  );
  const { uuids = [], receipts = [] } = await response.json<{ uuids?: string[]; receipts?: string[] }>();
  const accepted = receipts.map((receipt, index): Accepted => {
    const [uuid = "", content] = receipt.split(".");
    const id = events[index]?.uuid ?? (key && `${key} ${index}`);
    return { producer, id, content: content || uuid, uuid: uuids[index] ?? "", receipt };
  });
  return { accepted, bodies };
}

/** Requests of all producers, delivered in batches of any order, some of them twice. Returns what was accepted. */
async function history(random: Random): Promise<Accepted[]> {
  const accepted: Accepted[] = [];
  let waiting: string[] = [];
  const deliverSome = async (count: number) => {
    const batch = random.shuffled(waiting).slice(0, count);
    await deliver(batch, { INGEST_SECRETS });
    waiting = waiting.filter((body) => !batch.includes(body) || random.oneIn(4));
  };
  for (let sent = 0; sent < REQUESTS; sent++) {
    const { accepted: more, bodies } = await send(random, random.pick(PRODUCERS));
    accepted.push(...more);
    waiting.push(...bodies);
    if (random.oneIn(3)) await deliverSome(1 + random.int(6));
  }
  while (waiting.length > 0) await deliverSome(1 + random.int(6));
  return accepted;
}

/** Whether a producer has used the id of an event for events of different contents. */
const isReused = ({ producer, id }: Accepted, all: readonly Accepted[]): boolean =>
  id !== undefined &&
  new Set(all.filter((one) => one.producer === producer && one.id === id).map(({ content }) => content)).size > 1;

async function stateOf({ producer, receipt }: Accepted) {
  const init = { headers: { Authorization: "Bearer s" } };
  const response = await request(`/ingest/${producer}/receipts/${receipt}`, init, { INGEST_SECRETS });
  return response.json<{ status: string; uuid: string }>();
}

async function problemsIn(all: readonly Accepted[]): Promise<string[]> {
  const contents = new Map((await rows("events")).map(({ uuid, content }) => [String(uuid), String(content ?? uuid)]));
  const problems: string[] = [];
  for (const event of all) {
    const { status, uuid } = await stateOf(event);
    const name = `${event.producer} ${event.id} ${event.content}`;
    if (status !== "stored" && !(status === "dead" && isReused(event, all))) problems.push(`${name} is ${status}`);
    if (status === "stored" && contents.get(uuid) !== event.content) problems.push(`${name} has changed`);
    const isNamedByUpstream = event.producer === "upstream" && event.id !== undefined && !isReused(event, all);
    if (isNamedByUpstream && contents.get(event.uuid) !== event.content) problems.push(`${name} has lost its uuid`);
  }
  return problems;
}

it.each(Array.from({ length: HISTORIES }, (_, index) => index + 1))(
  "no event is lost, changed or blocked by another producer, whatever they send in whatever order (%i)",
  async (seed) => {
    const all = await history(new Random(seed));

    expect(all.length).toBeGreaterThan(0);
    expect(await problemsIn(all)).toEqual([]);
    await expectExactCounters();
  },
);
