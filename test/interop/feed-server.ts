import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmptyServer, startEmptyServer } from "../end-to-end/empty-server.ts";
import { consumed, waiting } from "../end-to-end/journal.ts";
import { Random } from "../support/random.ts";

const STAFF_TOKEN = `eev_${"6".repeat(40)}`;
const INGEST_SECRET = "secret-of-the-feed-test";
/** Of staff. */
export const AUTHORIZATION = `Token ${STAFF_TOKEN}`;
const HEADERS = { Authorization: AUTHORIZATION };
const FIELDS = ["id", "uuid", "created", "event_type", "message", "context"];

/** Events in one request of a producer, and waiting messages beyond which it waits. */
const BODY_EVENTS = 50;
const MAX_WAITING = 40;
const POLL_MS = 20;
/** One request of so many is sent twice, as after a lost answer. */
const SENT_TWICE = 10;
/** 2026-01-01T00:00:00Z, and the time in which events happen: milliseconds. */
const BEGIN = Date.UTC(2026, 0, 1);
const SPAN = 300 * 86_400_000;

/** An event of the list, with its id. */
export interface Listed {
  id: number;
  uuid: string;
  created: string;
  event_type: string;
  message: string;
  context: Record<string, unknown>;
}

/** A server of `npm start` on an empty database, with producers of events and what its list shows. */
export class FeedServer {
  readonly #server: EmptyServer;
  readonly #random = new Random(5);
  #sent = 0;

  private constructor(server: EmptyServer) {
    this.#server = server;
  }

  static async start(): Promise<FeedServer> {
    return new FeedServer(await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET }));
  }

  get database(): EmptyServer["database"] {
    return this.#server.database;
  }

  get origin(): string {
    return this.#server.server.url;
  }

  /** Of the feed. */
  get url(): string {
    return `${this.origin}/api/events/feed/`;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(new URL(path, this.origin), { headers: { ...HEADERS, ...headers } });
  }

  /** Two producers send so many events, of which the later ones often happened earlier, and some requests twice. */
  async produce(count: number): Promise<void> {
    const end = this.#sent + count;
    const producer = async () => {
      while (this.#sent < end) await this.#send(Math.min(BODY_EVENTS, end - this.#sent));
    };
    await Promise.all([producer(), producer()]);
  }

  async #send(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => this.#event(this.#sent + index));
    this.#sent += count;
    const isSentTwice = this.#random.oneIn(SENT_TWICE);
    await this.push(...events);
    if (isSentTwice) await this.push(...events);
    while (waiting(this.database.target.stateDir) > MAX_WAITING) await sleep(POLL_MS);
  }

  #event(number: number) {
    const created = new Date(BEGIN + this.#random.int(SPAN)).toISOString();
    return { created, event_type: "user_activated", message: `Õ "${number}"` };
  }

  /** Sends events in one request. */
  async push(...events: readonly object[]): Promise<void> {
    const headers = { Authorization: `Bearer ${INGEST_SECRET}`, "Content-Type": "application/json" };
    const body = JSON.stringify(events);
    const response = await fetch(`${this.origin}/ingest/local`, { method: "POST", headers, body });
    assert.equal(response.status, 202, await response.text());
  }

  /** Sends events, and returns when they are stored. */
  async store(...events: readonly object[]): Promise<void> {
    await this.push(...events);
    await consumed(this.database.target.stateDir);
  }

  /** What the list shows when all that was sent is stored, by id. */
  async listed(): Promise<Listed[]> {
    await consumed(this.database.target.stateDir);
    const query = new URLSearchParams([["page_size", "300"], ...FIELDS.map((field) => ["field", field])]);
    const events: Listed[] = [];
    for (let path: string | undefined = `/api/events/?${query}`; path !== undefined; ) {
      const response = await this.get(path);
      events.push(...((await response.json()) as Listed[]));
      path = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
    }
    return events.sort((a, b) => a.id - b.id);
  }

  remove(): Promise<void> {
    return this.#server.remove();
  }
}
