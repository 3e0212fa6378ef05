import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A way to fail: a status with headers; a body cut off, by the connection or by its own end; no answer at all. */
export type Fault = "cut" | "cut quietly" | "reset" | "hang" | { status: number; headers?: Record<string, string> };

const FEED = "/api/events/feed/";
const OWN_PARAMETERS = ["offset", "limit", "live", "cursor"];
const FILTERS = ["event_type", "feature", "customer_uuid", "user_uuid", "message", "created_from", "created_to"];
const MAX_LIMIT = 1_000;
/** Half of an answer that is cut off. */
const HALF = 0.5;

/** A refusal: status and text. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * A stand-in for the feed, as strict as it can be: it refuses parameters, offsets and cursors that it did not give. A live
 * request without messages waits until there is one, or until `release`.
 */
export class StandInFeed {
  static readonly TOKEN = "token-of-the-stand-in";
  /** Each as the server writes it, in the order of the log. */
  readonly messages: string[] = [];
  readonly requests: URLSearchParams[] = [];
  /** The number of the first message that can still be read after. */
  retained = 0;
  pageSize = MAX_LIMIT;
  /** Asked for each request. */
  fault: (query: URLSearchParams) => Fault | undefined = () => undefined;
  readonly #cursors = new Set<string>();
  readonly #bell = new EventEmitter().setMaxListeners(0);
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<StandInFeed> {
    const feed = new StandInFeed();
    await once(feed.#server.listen(0, "127.0.0.1"), "listening");
    return feed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  append(...messages: string[]): void {
    this.messages.push(...messages);
    this.#bell.emit("ring");
  }

  /** Ends the waiting of live requests: they get 204. */
  release(): void {
    this.#bell.emit("ring");
  }

  /** Returns when a request has arrived for which the test is true. */
  async asked(test: (query: URLSearchParams) => boolean): Promise<void> {
    while (!this.requests.some(test)) await once(this.#bell, "request");
  }

  /** The offset after so many messages, for a request without filters. */
  offsetAfter(count: number): string {
    return offsetOf(count, new URLSearchParams());
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams: query, pathname } = new URL(request.url ?? "", this.url);
    this.requests.push(query);
    this.#bell.emit("request");
    try {
      if (pathname !== FEED) throw new Refused(404, "Not found.");
      const { offset, limit } = this.#checked(request, query);
      const fault = this.fault(query);
      if (fault === "hang") return;
      if (fault === "reset") return void response.destroy();
      if (typeof fault === "object")
        return void response.writeHead(fault.status, fault.headers ?? {}).end('{"detail":"No."}');
      if (query.get("live") !== null && offset === this.messages.length) await once(this.#bell, "ring");
      this.#send(response, query, offset, limit, fault);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ detail: error instanceof Error ? error.message : "", offset: "-1" }));
    }
  }

  #checked({ headers }: IncomingMessage, query: URLSearchParams): { offset: number; limit: number } {
    if (headers.authorization !== `Token ${StandInFeed.TOKEN}`) throw new Refused(401, "Invalid token.");
    if (headers.accept !== "application/x-ndjson") throw new Refused(400, "The stand-in writes NDJSON only.");
    const unknown = [...query.keys()].filter((name) => ![...OWN_PARAMETERS, ...FILTERS].includes(name));
    if (unknown.length > 0) throw new Refused(400, `Unknown: ${unknown}`);
    const live = query.get("live");
    const cursor = query.get("cursor");
    if (live !== null && live !== "long-poll") throw new Refused(400, "Unknown live.");
    if ((live === null) !== (cursor === null)) throw new Refused(400, "A cursor belongs to a live request.");
    if (cursor !== null && !this.#cursors.has(cursor)) throw new Refused(400, "Unknown cursor.");
    const limit = Number(query.get("limit"));
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) throw new Refused(400, "Wrong limit.");
    return { offset: this.#offset(query), limit };
  }

  #offset(query: URLSearchParams): number {
    const text = query.get("offset") ?? "";
    if (text === "-1") return this.retained;
    if (text === "now") return this.messages.length;
    const count = Number(text.split("_")[0]);
    if (offsetOf(count, query) !== text || count > this.messages.length)
      throw new Refused(400, "The offset is of another filter, or not from here.");
    if (count < this.retained) throw new Refused(410, "The events after this offset were deleted.");
    return count;
  }

  #send(
    response: ServerResponse,
    query: URLSearchParams,
    offset: number,
    limit: number,
    fault: Fault | undefined,
  ): void {
    const end = Math.min(this.messages.length, offset + Math.min(limit, this.pageSize));
    const next = offsetOf(end, query);
    const isUpToDate = end === this.messages.length;
    const headers = { "Stream-Cursor": this.#cursor(), "Stream-Next-Offset": next };
    const atEnd = isUpToDate ? { "Stream-Up-To-Date": "true" } : {};
    if (query.get("live") !== null && end === offset)
      return void response.writeHead(204, { ...headers, ...atEnd }).end();
    const control = { op: "control", streamNextOffset: next, ...(isUpToDate ? { upToDate: true } : {}) };
    const body = Buffer.from([...this.messages.slice(offset, end), JSON.stringify(control), ""].join("\n"));
    const cut = fault === "cut" || fault === "cut quietly" ? body.subarray(0, Math.floor(body.length * HALF)) : body;
    const length = { "Content-Length": (fault === "cut" ? body : cut).length };
    response.writeHead(200, { ...headers, ...atEnd, ...length, "Content-Type": "application/x-ndjson" });
    if (fault === "cut") response.write(cut, () => response.destroy());
    else response.end(cut);
  }

  #cursor(): string {
    const cursor = String(this.#cursors.size + 1);
    this.#cursors.add(cursor);
    return cursor;
  }
}

/** Bound to the filters, and sorted as the log. */
function offsetOf(count: number, query: URLSearchParams): string {
  const filters = [...query].filter(([name]) => FILTERS.includes(name)).sort();
  const hash = createHash("sha256").update(JSON.stringify(filters)).digest("hex").slice(0, 8);
  return `${String(count).padStart(10, "0")}_${hash}`;
}

/** Messages of events with the ids from `first` on. */
export const numbered = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const id = first + index;
    const created = new Date(Date.UTC(2026, 0, 1) + id).toISOString();
    return JSON.stringify({ id, uuid: id.toString(16).padStart(32, "0"), created, message: `Event ${id}` });
  });
