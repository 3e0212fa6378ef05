import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { anIsolate, type Isolate } from "../../cloud/isolate.ts";
import { type LaggingDatabase, laggingReplicas } from "../../cloud/replicas.ts";
import { linkOf } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { anEvent, hex, query, recorded } from "../../support/world.ts";
import { type Asked, explained, type ModelEvent, PAGE_SIZE, type Shown, type State } from "./model.ts";

const SEED = 20_261_126;
const SEQUENCES = Number(env.REPLICA_SEQUENCES);
/** Of one test, which has a log of its own. */
const IN_ONE_TEST = 100;
const REQUESTS = 5;
/** Commits that a replica may be behind. */
const MAX_LAG = 30;
const MAX_EVENTS = 40;
const ISOLATES = 3;
const OURS = hex("ours");
const T = 1_760_000_000;

/** The log, and each state that it had. */
class Log {
  readonly #random: Random;
  states: State[] = [[]];
  /** Events without an id, which upstream may send with its own. */
  #unnamed: { event: NewEvent; model: ModelEvent }[] = [];
  #made = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get now(): State {
    return this.states.at(-1) ?? [];
  }

  /** One commit: events are written, one is deleted, or one takes the uuid of upstream. */
  async write(): Promise<void> {
    const unnamed = this.#random.oneIn(4) ? this.#unnamed.pop() : undefined;
    if (this.now.length > MAX_EVENTS || (this.now.length > 0 && this.#random.oneIn(5))) await this.#delete();
    else if (unnamed && this.now.includes(unnamed.model)) await this.#rename(unnamed);
    else await this.#record();
  }

  async #record(): Promise<void> {
    const added = Array.from({ length: 1 + this.#random.int(3) }, () => this.#event());
    await recorded(...added.map(({ event }) => event));
    this.#unnamed.push(...added.filter(() => this.#random.oneIn(3)));
    this.states.push([...this.now, ...added.map(({ model }) => model)]);
  }

  async #delete(): Promise<void> {
    const gone = this.#random.pick(this.now);
    await env.DB.prepare("DELETE FROM events WHERE uuid = ?").bind(gone.uuid).run();
    this.states.push(this.now.filter((event) => event !== gone));
  }

  async #rename({ event, model }: { event: NewEvent; model: ModelEvent }): Promise<void> {
    const uuid = this.#random.hex();
    await recorded({ ...event, content: event.uuid, uuid, isUpstream: true });
    this.states.push(this.now.map((one) => (one === model ? { ...model, uuid } : one)));
  }

  /** In the order of time, or late. */
  #event(): { event: NewEvent; model: ModelEvent } {
    this.#made += 1;
    const created =
      T + 1000 * this.#made - (this.#random.oneIn(4) ? this.#random.int(20) * 1000 + 500 : 0) + (this.#made % 499);
    const model = { uuid: this.#random.hex(), created, isOurs: this.#random.oneIn(2), isOdd: this.#random.oneIn(3) };
    const event = anEvent({
      uuid: model.uuid,
      created: created * 1_000_000,
      eventType: "customer_update_succeeded",
      message: model.isOdd ? "An odd event" : "An event",
      context: model.isOurs ? { customer_uuid: OURS } : {},
    });
    return { event, model };
  }
}

/** What a client may ask: `pairs` select the events that `which` does. */
interface View {
  pairs: [string, string][];
  which: (event: ModelEvent) => boolean;
}

const STAFF_VIEWS: View[] = [
  { pairs: [], which: () => true },
  { pairs: [["message", "odd"]], which: ({ isOdd }) => isOdd },
  { pairs: [["customer_uuid", OURS]], which: ({ isOurs }) => isOurs },
];
const OUR_VIEW: View = { pairs: [["scope", `/api/customers/${OURS}/`]], which: ({ isOurs }) => isOurs };

/** A client, which remembers what it was shown. */
class Client {
  readonly #random: Random;
  readonly #log: Log;
  readonly #token: string;
  readonly #view: View;
  /** The state that its last answer shows, at least. */
  #at = 0;
  #next: { path: string; before: number } | undefined;
  readonly #tagged = new Map<string, { tag: string; shown: Shown }>();

  constructor({ random, log, token, view }: { random: Random; log: Log; token: string; view: View }) {
    this.#random = random;
    this.#log = log;
    this.#token = token;
    this.#view = view;
  }

  /** Asks anything. Returns what is wrong with the answer. */
  async ask(isolate: Isolate): Promise<string | undefined> {
    const { path, asked } = this.#question();
    const isThere = asked.kind === "event" && this.#log.now.some(({ uuid }) => uuid === asked.uuid);
    const known = this.#random.oneIn(4) ? undefined : this.#tagged.get(path);
    const response = await isolate.get(path, this.#token, known ? { "If-None-Match": known.tag } : {});
    const shown = response.status === 304 && known ? known.shown : await read(response, asked);
    const tag = response.headers.get("ETag");
    if (tag !== null) this.#tagged.set(path, { tag, shown });
    const next = linkOf(response, "next");
    const last = this.#createdOf(shown.uuids?.at(-1));
    if (asked.kind === "list" && next !== undefined && last !== undefined) this.#next = { path: next, before: last };
    const at = explained(this.#log.states, this.#at, asked, shown);
    const isStill = asked.kind === "event" && this.#log.now.some(({ uuid }) => uuid === asked.uuid);
    const said = `${path} ${JSON.stringify(shown)}`;
    if (response.status === 401) return `401: ${said}`;
    if (at === undefined) return `backwards, from state ${this.#at} of ${this.#log.states.length}: ${said}`;
    if (isThere && isStill && shown.status === 404) return `is there: ${said}`;
    this.#at = at;
    return undefined;
  }

  #question(): { path: string; asked: Asked } {
    const { pairs, which } = this.#view;
    const list = `/api/events/${query(...pairs, ["page_size", String(PAGE_SIZE)])}`;
    const known = [...this.#tagged.values()].flatMap(({ shown }) => shown.uuids ?? []);
    const uuid = this.#random.oneIn(2) ? known.at(-1) : this.#log.now.findLast(which)?.uuid;
    const kinds: (() => { path: string; asked: Asked })[] = [
      () => ({ path: list, asked: { kind: "list", which } }),
      () => ({ path: `/api/events/count/${query(...pairs)}`, asked: { kind: "count", which } }),
    ];
    const next = this.#next;
    if (next) kinds.push(() => ({ path: next.path, asked: { kind: "list", which, before: next.before } }));
    if (uuid)
      kinds.push(() => ({ path: `/api/events/${uuid}/${query(...pairs)}`, asked: { kind: "event", which, uuid } }));
    return this.#random.pick(kinds)();
  }

  #createdOf(uuid: string | undefined): number | undefined {
    return this.#log.states.flat().find((event) => event.uuid === uuid)?.created;
  }
}

async function read(response: Response, asked: Asked): Promise<Shown> {
  const { status } = response;
  if (status !== 200) return { status };
  if (asked.kind === "count") return { status, total: (await response.json<{ count: number }>()).count };
  if (asked.kind === "event") return { status, uuids: [(await response.json<{ uuid: string }>()).uuid] };
  const uuids = (await response.json<{ uuid: string }[]>()).map(({ uuid }) => uuid);
  return { status, total: Number(response.headers.get("X-Result-Count")), uuids };
}

async function playSequence(random: Random, log: Log, cloud: LaggingDatabase, isolates: Isolate[]): Promise<string[]> {
  const isStaff = random.oneIn(2);
  const { token } = await aPerson(isStaff ? { staff: true } : { roles: [{ scope: OURS }] });
  const client = new Client({ random, log, token, view: isStaff ? random.pick(STAFF_VIEWS) : OUR_VIEW });
  const wrong: string[] = [];
  for (let request = 0; request < REQUESTS; request++) {
    for (let commits = random.int(3); commits > 0; commits--) await log.write();
    const isolate = random.pick(isolates);
    if (random.oneIn(4)) isolate.clear();
    cloud.beforeRead = async () => {
      if (random.oneIn(4)) await log.write();
    };
    const fault = await client.ask(isolate);
    if (fault !== undefined) wrong.push(fault);
    cloud.beforeRead = async () => {};
  }
  return wrong;
}

it.each(
  Array.from({ length: Math.ceil(SEQUENCES / IN_ONE_TEST) }, (_, index) => [
    SEED + index,
    Math.min(IN_ONE_TEST, SEQUENCES - index * IN_ONE_TEST),
  ]),
)(
  "no token goes back in time or is refused over replicas with random lag (seed %i, %i sequences)",
  async (seed, count) => {
    const cloud = await laggingReplicas();
    const random = new Random(seed);
    const log = new Log(random);
    const isolates: Isolate[] = [];
    while (isolates.length < ISOLATES) isolates.push(await anIsolate());
    cloud.lag = () => (random.oneIn(4) ? "primary" : random.int(MAX_LAG));

    const wrong: string[] = [];
    for (let sequence = 0; sequence < count; sequence++) {
      wrong.push(...(await playSequence(random, log, cloud, isolates)));
      log.states = log.states.slice(-2 * MAX_LAG);
    }

    expect(wrong).toEqual([]);
    // The replicas were behind most of the time.
    const behind = cloud.reads.filter((at) => at !== "primary" && at < cloud.commits());
    expect(behind.length).toBeGreaterThan(count);
  },
);
