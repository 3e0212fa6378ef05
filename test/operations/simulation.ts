import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import worker from "../../src/worker.ts";
import { Clock } from "../cloud/clock.ts";
import { FaultyQueue } from "../cloud/faulty-queue.ts";
import { Memory } from "../cloud/memory.ts";
import { cloudBucket } from "../cloud/r2.ts";
import { Random } from "../support/random.ts";
import { bindings, ORIGIN } from "../support/world.ts";

const METRICS_TOKEN = "a-token-of-the-scraper";
const PERFECT = { refused: 0, lostAnswers: 0, stalled: 0, redelivered: 0 };
const MINUTE = 60;
const DAY_MS = 86_400_000;

/** Seconds between two events of each producer; 0: it sends nothing. */
export type Rhythm = Readonly<Record<string, number>>;

/** What is broken from some time on. */
export interface Broken {
  /** Nothing is delivered. */
  deliveries?: boolean;
  /** Consumers end with an error that nobody catches. */
  consumers?: boolean;
  /** The queue refuses every message. */
  sending?: boolean;
  database?: boolean;
  bucket?: boolean;
  cron?: boolean;
  /** The producer that sends nothing. */
  silent?: string;
  /** Seconds by which the clock of those who accept events is ahead. */
  skew?: number;
  /** Bytes that the database has. */
  bytes?: number;
  /** Two events get one id. */
  conflicts?: boolean;
}

/** Series, as Prometheus prints it → its value. */
export type Scrape = ReadonlyMap<string, number>;

/** A deployment in simulated time, with the limits of the cloud, and a Prometheus that scrapes it. */
export class Simulation {
  readonly clock = new Clock();
  readonly broken: Broken = {};
  readonly #rhythm: Rhythm;
  readonly #queue: FaultyQueue;
  readonly #letters: FaultyQueue;
  readonly #sentAt = new Map<string, number>();
  #cronAt = 0;
  #sent = 0;

  constructor(rhythm: Rhythm) {
    for (const level of ["log", "warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
    const random = new Random(1);
    vi.spyOn(Math, "random").mockImplementation(() => random.next());
    vi.spyOn(scheduler, "wait").mockResolvedValue();
    this.#rhythm = rhythm;
    this.#letters = new FaultyQueue(DEAD_LETTER_QUEUE_NAME, random, this.clock, 1, undefined, PERFECT);
    this.#queue = new FaultyQueue(INGEST_QUEUE_NAME, random, this.clock, 2, this.#letters, PERFECT);
  }

  /** A week before the start in which a producer had these pauses each day: bound in seconds → milliseconds. */
  async hasSent(producer: string, days: readonly Readonly<Record<string, number>>[], last: number): Promise<void> {
    const row = env.DB.prepare(
      "INSERT INTO ingest_days (producer, day, accepted, stored, last_received, pauses) VALUES (?, ?, 1, 1, ?, ?)",
    );
    const rows = days.map((pauses, index) => {
      const day = new Date(Date.now() - (days.length - index) * DAY_MS).toISOString().slice(0, 10);
      return row.bind(producer, day, last * 1_000, JSON.stringify(pauses));
    });
    await env.DB.batch(rows);
  }

  /** Everything that happens in so many seconds, one by one: the cron job, events, deliveries. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.#mayRunCron();
      for (const [producer, gap] of Object.entries(this.#rhythm)) await this.#maySend(producer, gap);
      await this.#deliver();
      this.clock.advance(1);
    }
  }

  /** What Prometheus reads. Throws when the answer is not 200. */
  async scrape(): Promise<Scrape> {
    const headers = { Authorization: `Bearer ${METRICS_TOKEN}`, Accept: "text/plain" };
    const response = await this.#fetch("/metrics", { headers });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return seriesIn(await response.text());
  }

  async ready(): Promise<Response> {
    return this.#fetch("/readyz", {});
  }

  async #maySend(producer: string, gap: number): Promise<void> {
    if (this.broken.silent === producer || this.clock.now < (this.#sentAt.get(producer) ?? 0) + gap) return;
    this.#sentAt.set(producer, this.clock.now);
    const { skew = 0, conflicts } = this.broken;
    vi.setSystemTime(Date.now() + skew * 1_000);
    await this.#send(producer);
    if (conflicts) for (const _ of [1, 2]) await this.#send(producer, { uuid: "0123456789abcdef0123456789abcdef" });
    vi.setSystemTime(Date.now() - skew * 1_000);
  }

  async #send(producer: string, more: object = {}): Promise<void> {
    const event = { event_type: "project_created", message: `Event ${this.#sent++}`, context: {}, ...more };
    const headers = { Authorization: "Bearer s", "Content-Type": "application/json" };
    await this.#fetch(`/ingest/${producer}`, { method: "POST", headers, body: JSON.stringify(event) });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const ctx = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, init) as Parameters<typeof worker.fetch>[0];
    const response = await worker.fetch(request, this.#bindings(), ctx);
    await waitOnExecutionContext(ctx);
    return response;
  }

  async #deliver(): Promise<void> {
    if (this.broken.deliveries) return;
    const throwing = () => ({ env: new Proxy({} as Env, { get: failed }), memory: new Memory() });
    const isolate = () => ({ env: this.#bindings(), memory: new Memory() });
    for (const queue of [this.#queue, this.#letters]) {
      if (queue.nextAt <= this.clock.now)
        await queue.deliver(this.broken.consumers ? throwing : isolate, this.clock).catch(() => undefined);
    }
  }

  async #mayRunCron(): Promise<void> {
    if (this.clock.now < this.#cronAt) return;
    this.#cronAt = this.clock.now + MINUTE;
    if (this.broken.cron) return;
    const controller = createScheduledController({ cron: "* * * * *" });
    await worker.scheduled(controller, this.#bindings()).catch(() => undefined);
  }

  #bindings(): Env {
    const { broken } = this;
    const failsBefore = () => (broken.database ? "Network connection lost." : undefined);
    const refusing = { ...this.#queue.binding, send: failed, sendBatch: failed };
    const changed = {
      ...{ METRICS_TOKEN, VERSION: { id: "a-deployment", tag: "", timestamp: "" } },
      INGEST_SECRETS: JSON.stringify(Object.fromEntries(Object.keys(this.#rhythm).map((name) => [name, ["s"]]))),
      INGEST_QUEUE: broken.sending ? refusing : onTime(this.#queue.binding, broken.skew ?? 0),
      INGEST_DEAD_LETTERS: this.#letters.binding,
    };
    const all = bindings(changed, { failsBefore });
    const SPILL = cloudBucket(env.SPILL, { refuses: () => broken.bucket === true });
    return { ...all, SPILL, DB: sized(all.DB, broken.bytes ?? 1_000_000) };
  }
}

function failed(): never {
  throw new Error("Something is wrong.");
}

/** The queue, whose clock is right, though that of the sender is ahead by so many seconds. */
function onTime(queue: Queue<string>, skew: number): Queue<string> {
  if (skew === 0) return queue;
  const sendBatch: typeof queue.sendBatch = (messages) => {
    const ahead = Date.now();
    vi.setSystemTime(ahead - skew * 1_000);
    const sent = queue.sendBatch(messages);
    vi.setSystemTime(ahead);
    return sent;
  };
  return { ...queue, sendBatch };
}

/** The database, which says that it has so many bytes. */
function sized(DB: D1Database, bytes: number): D1Database {
  const batch: D1Database["batch"] = async <T>(statements: D1PreparedStatement[]) =>
    (await DB.batch<T>(statements)).map((result) => ({ ...result, meta: { ...result.meta, size_after: bytes } }));
  return new Proxy(DB, { get: (target, name) => (name === "batch" ? batch : Reflect.get(target, name)) });
}

/** The series of a scrape in Prometheus' own format. */
const seriesIn = (text: string): Scrape =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const end = line.lastIndexOf(" ");
        return [line.slice(0, end), Number(line.slice(end + 1).replace("Inf", "Infinity"))];
      }),
  );

/** What differs with each version and each database. */
const OF_BUILD = /^edge_events_(build_info|log_incarnation)/;

/** Scrapes as input_series of promtool, in JSON: `stale` and `_` where a scrape has no such series any more, or not yet. */
export function inputSeries(scrapes: readonly Scrape[]): string {
  const names = [...new Set(scrapes.flatMap((scrape) => [...scrape.keys()]))].filter((name) => !OF_BUILD.test(name));
  const all = names.map((series) => {
    const values = scrapes.map((scrape) => scrape.get(series));
    const texts = values.map((value, index) => valueText(value, values[index - 1]));
    return { series, values: compressed(texts).join(" ") };
  });
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

function valueText(value: number | undefined, before: number | undefined): string {
  if (value === undefined) return before === undefined ? "_" : "stale";
  return String(value).replace("Infinity", "Inf");
}

/** `1x3` is `1 1 1 1`, and `_x3` is `_ _ _`. */
function compressed(values: readonly string[]): string[] {
  const runs: { value: string; times: number }[] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.value === value && /^(_|\d.*)$/.test(value)) last.times += 1;
    else runs.push({ value, times: 1 });
  }
  return runs.map(({ value, times }) => (times === 1 ? value : `${value}x${value === "_" ? times : times - 1}`));
}
