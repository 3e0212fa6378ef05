import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { database, runBatch } from "../../src/db/client.ts";
import type { Env } from "../../src/env.ts";
import type { NewEvent } from "../../src/events/event.ts";
import { readEnd } from "../../src/events/log/end.ts";
import { deleteOldest } from "../../src/events/log/retention.ts";
import { anIsolate, type Isolate, moveToDataCentre } from "../cloud/isolate.ts";
import { type LaggingDatabase, laggingReplicas } from "../cloud/replicas.ts";
import { later, stopClock } from "../support/clock.ts";
import { aPerson } from "../support/people.ts";
import { Random } from "../support/random.ts";
import { anEvent, hex, recorded } from "../support/world.ts";
import { answerTo, type Part, WAYS, type Way } from "./answers.ts";
import { Collector } from "./collector.ts";

const SEED = 20_261_130;
/** Readers, one after the other; each reads a log that goes on. */
const READERS = Math.ceil(Number(env.REPLICA_SEQUENCES) / 5);
const REQUESTS = 12;
/** Commits that a replica may be behind. */
const MAX_LAG = 20;
const MAX_EVENTS = 30;
const ISOLATES = 3;
const OURS = hex("ours");
/** Seconds. */
const T = 1_760_000_000;

/** An event of a state. */
interface Shown {
  uuid: string;
  isOdd: number;
  isOurs: number;
}

/** What a reader asks for: the events that `which` selects. */
interface View {
  isStaff: boolean;
  filter: string;
  which: (event: Shown) => unknown;
}

const VIEWS: View[] = [
  { isStaff: true, filter: "", which: () => true },
  { isStaff: true, filter: "message=odd", which: ({ isOdd }) => isOdd },
  { isStaff: true, filter: `customer_uuid=${OURS}`, which: ({ isOurs }) => isOurs },
  { isStaff: false, filter: `scope=/api/customers/${OURS}/`, which: ({ isOurs }) => isOurs },
  { isStaff: false, filter: `scope=/api/customers/${OURS}/&message=odd`, which: (one) => one.isOurs && one.isOdd },
];

/** The log, and what each of its states shows. */
class Log {
  readonly #random: Random;
  states: Shown[][] = [[]];
  #unnamed: NewEvent[] = [];
  #made = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The last write: a stream that was cancelled may still go on beside the next request. */
  written: Promise<void> = Promise.resolve();

  /** Events are written, one is deleted, one takes another uuid, or the oldest are deleted: one commit. */
  write(): Promise<void> {
    this.written = this.written.then(() => this.#write());
    return this.written;
  }

  async #write(): Promise<void> {
    const { length } = this.states.at(-1) ?? [];
    const unnamed = this.#random.oneIn(4) ? this.#unnamed.pop() : undefined;
    if (length > MAX_EVENTS || this.#random.oneIn(12)) await this.#deletePeriod();
    else if (length > 0 && this.#random.oneIn(5)) await this.#delete(this.#random.int(length));
    else if (unnamed) await recorded({ ...unnamed, content: unnamed.uuid, uuid: this.#random.hex(), isUpstream: true });
    else await this.#record();
    const shown = `SELECT uuid, message LIKE '%odd%' AS isOdd, context LIKE '%${OURS}%' AS isOurs FROM events`;
    const { results } = await env.DB.prepare(shown).all<Shown>();
    this.states.push(results);
  }

  async #record(): Promise<void> {
    const added = Array.from({ length: 1 + this.#random.int(3) }, () => this.#event());
    await recorded(...added);
    this.#unnamed.push(...added.filter(() => this.#random.oneIn(3)));
  }

  #event(): NewEvent {
    const random = this.#random;
    this.#made += 1;
    return anEvent({
      uuid: random.hex(),
      // Never at once: of events at one time, a part of the log does not tell which ones are deleted until all are.
      created: (T + this.#made - (random.oneIn(4) ? random.int(9) : 0)) * 1_000_000 + this.#made,
      eventType: "customer_update_succeeded",
      message: random.pick(["An odd event", "An event"]),
      context: random.oneIn(2) ? { customer_uuid: OURS } : {},
    });
  }

  async #delete(offset: number): Promise<void> {
    await env.DB.exec(`DELETE FROM events WHERE id = (SELECT id FROM events LIMIT 1 OFFSET ${offset})`);
  }

  async #deletePeriod(): Promise<void> {
    const before = (T + this.#made - this.#random.int(20)) * 1_000_000;
    await runBatch(database(env.DB), deleteOldest(before, 1 + this.#random.int(8)));
  }
}

/** A reader who applies messages and stores each offset, and what is wrong with the answers. */
class Follower {
  readonly wrong: string[] = [];
  readonly #world: { random: Random; log: Log; cloud: LaggingDatabase; isolates: Isolate[] };
  readonly #token: string;
  readonly #view: View;
  #collector: Collector;
  /** The state that it was told is the last one, and the ids that it has got. */
  #at = 0;
  #seen = new Set<number | string>();

  constructor(
    world: { random: Random; log: Log; cloud: LaggingDatabase; isolates: Isolate[] },
    token: string,
    view: View,
  ) {
    this.#world = world;
    this.#token = token;
    this.#view = view;
    this.#collector = new Collector(token);
  }

  /** Asks an isolate, of this data centre or another one. */
  async ask(way: Way): Promise<boolean> {
    const { random, isolates } = this.#world;
    if (random.oneIn(2)) moveToDataCentre(String(random.int(3)));
    const isolate = random.pick(isolates);
    if (random.oneIn(3)) isolate.clear();
    const get = (path: string, headers = {}) => isolate.get(path, this.#token, headers, this.#bell());
    const asked = { way, offset: this.#collector.offset, limit: 1 + random.int(6), filter: this.#view.filter };
    const { status, parts } = await answerTo(get, { ...asked, parts: 1 + random.int(3) });
    if (status === 410) await this.#begin();
    else if (status !== 200 && status !== 204) this.wrong.push(`${status}: ${way}`);
    await this.#world.log.written;
    for (const part of parts) this.#apply(part);
    return this.#collector.isUpToDate;
  }

  /** At which something is written, or time passes. */
  #bell(): Partial<Env> {
    const { random, log } = this.#world;
    const wait = async (after: number, ms: number) => {
      if (random.oneIn(2)) await log.write();
      else later(ms);
      return random.oneIn(4) ? after + 1 : readEnd(env.DB);
    };
    return { FEED_BELL: { getByName: () => ({ wait, ring: async () => undefined }) } };
  }

  /** Begins again: the primary has to agree that the offset is not valid. */
  async #begin(): Promise<void> {
    const { cloud, isolates, random } = this.#world;
    const { lag } = cloud;
    cloud.lag = () => "primary";
    const path = `/api/events/feed/?offset=${this.#collector.offset}&${this.#view.filter}`;
    const { status } = await random.pick(isolates).get(path, this.#token);
    if (status !== 410) this.wrong.push("410 of a replica");
    cloud.lag = lag;
    this.#collector.restart();
    this.#seen.clear();
  }

  /** From now on, the only state is the newest one. */
  onlyNewest(): void {
    this.#world.log.states = this.#world.log.states.slice(-1);
    this.#at = 0;
  }

  #apply(part: Part): void {
    const ids = part.messages.flatMap(({ op, id = "" }) => (op === undefined ? [id] : []));
    const last = Math.max(0, ...[...this.#seen].map(Number));
    if (ids.some((id) => this.#seen.has(id))) this.wrong.push("repeated");
    if (this.#view.isStaff && ids.some((id, index) => Number(id) <= Number(ids[index - 1] ?? last)))
      this.wrong.push("reordered");
    for (const id of ids) this.#seen.add(id);
    this.#collector.apply(part);
    if (part.isUpToDate) this.#isLast();
  }

  /** What it has now is what a state shows, and none that is older than what it was told to be the last one. */
  #isLast(): void {
    const text = this.#collector.uuids.join();
    const shows = (state: Shown[]) => state.filter(this.#view.which).map(({ uuid }) => uuid);
    const { states } = this.#world.log;
    const at = states.findIndex((state, index) => index >= this.#at && shows(state).sort().join() === text);
    if (at < 0) this.wrong.push(`not a state from ${this.#at} of ${states.length} on`);
    else this.#at = at;
  }
}

it("no message is lost or repeated over replicas with random lag, and the end is the end", async () => {
  const cloud = await laggingReplicas();
  stopClock("2026-05-01T00:00:00Z");
  const random = new Random(SEED);
  const log = new Log(random);
  const isolates: Isolate[] = [];
  while (isolates.length < ISOLATES) isolates.push(await anIsolate());
  const wrong: string[] = [];

  for (let reader = 0; reader < READERS; reader++) {
    const view = random.pick(VIEWS);
    const { token } = await aPerson(view.isStaff ? { staff: true } : { roles: [{ scope: OURS }] });
    const follower = new Follower({ random, log, cloud, isolates }, token, view);
    cloud.lag = () => (random.oneIn(5) ? "primary" : random.int(MAX_LAG));
    cloud.beforeRead = async () => {
      if (random.oneIn(6)) await log.write();
    };
    for (let request = 0; request < REQUESTS; request++) {
      for (let commits = random.int(4); commits > 0; commits--) await log.write();
      await follower.ask(random.pick(WAYS.filter((way) => way !== "list")));
    }
    cloud.beforeRead = async () => {};
    cloud.lag = () => "primary";
    follower.onlyNewest();
    while (!(await follower.ask("page")));
    wrong.push(...follower.wrong.map((what) => `${what}: ${view.filter}`));
  }

  expect(wrong).toEqual([]);
  // The replicas were behind most of the time.
  const behind = cloud.reads.filter((at) => at !== "primary" && at < cloud.commits());
  expect(behind.length).toBeGreaterThan(READERS * REQUESTS);
});
