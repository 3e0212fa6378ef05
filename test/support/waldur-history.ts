import { printTime } from "../../src/values/time.ts";

/** An event of the stand-in. `created` in microseconds. */
export interface HistoryEvent {
  uuid: string;
  created: number;
  event_type: string;
  message: string;
  context: Record<string, unknown>;
}

/** The events of a Waldur, sorted by time. */
export interface History {
  readonly length: number;
  at(index: number): HistoryEvent;
  /** The index of the first event that was not created before a time, microseconds. */
  firstFrom(created: number): number;
}

/** Events that are kept as objects. */
export function historyOf(events: readonly HistoryEvent[]): History {
  const sorted = [...events].sort((a, b) => a.created - b.created);
  const at = (index: number) => {
    const event = sorted[index];
    if (event === undefined) throw new Error(`There is no event ${index}.`);
    return event;
  };
  return {
    length: sorted.length,
    at,
    firstFrom: (created) => bisected(sorted.length, (i) => at(i).created >= created),
  };
}

/** The first index for which a condition holds, that holds for all after it. */
export function bisected(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What the next answers are instead of the right ones. `page`: only requests for this page. */
export type Fault =
  | "html"
  | "error"
  | "throttled"
  | "half"
  | "same page"
  | "short page"
  | "wrong count"
  | "no uuid"
  | "no count"
  | "down"
  | "refused"
  | "redirect";

interface Request_ {
  method: string;
  path: string;
  query: URLSearchParams;
}

const MAX_PAGE = 300;

/**
 * A Waldur that pages, orders and counts as /api/events/ and /api/events-stats/ do, by our contract of Waldur's API.
 * `created_to` excludes, unless `includesEnd`.
 */
export class WaldurHistory {
  history: History;
  readonly requests: Request_[] = [];
  readonly token = "staff-token-of-waldur";
  /** The token that it knows. */
  accepted = this.token;
  /** Faults of the next GETs of ranges that have events, in turn; undefined is none. */
  readonly faults: (Fault | undefined)[] = [];
  /** A fault of every request. */
  always: Fault | undefined;
  retryAfter: string | undefined;
  includesEnd = false;
  /** Its clock, for the header Date: milliseconds. */
  clock: (() => number) | undefined;
  /** `+00:00`, as Waldur prints times since 2026, or `Z`. */
  zone = "+00:00";

  constructor(history: History) {
    this.history = history;
  }

  answer(request: Request): Response {
    const { pathname, searchParams: query } = new URL(request.url);
    this.requests.push({ method: request.method, path: pathname, query });
    const [from, to] = this.#rangeOf(query);
    const isPage = request.method === "GET" && pathname === "/api/events/" && from < to;
    const fault = this.always ?? (isPage ? this.faults.shift() : undefined);
    const broken = this.#broken(fault, request);
    if (broken !== undefined) return broken;
    if (request.headers.get("Authorization") !== `Token ${this.accepted}`) {
      return json({ detail: "Invalid token." }, {}, 401);
    }
    if (pathname === "/api/events-stats/") return this.#stats(query);
    if (pathname === "/api/events/") return this.#list(request.method, query, fault);
    return new Response("<h1>Not Found</h1>", { status: 404, headers: { "Content-Type": "text/html" } });
  }

  #broken(fault: Fault | undefined, request: Request): Response | undefined {
    const pause = this.retryAfter === undefined ? {} : { "Retry-After": this.retryAfter };
    if (fault === "down") throw new TypeError("fetch failed");
    if (fault === "html") return new Response("<html>", { headers: { "Content-Type": "text/html" } });
    if (fault === "error") return new Response("<h1>Server Error (500)</h1>", { status: 500, headers: pause });
    if (fault === "throttled") return json({ detail: "Request was throttled." }, pause, 429);
    if (fault === "refused") return json({ detail: "You do not have permission to perform this action." }, {}, 403);
    if (fault === "redirect") return Response.redirect(`https://elsewhere.example.com${new URL(request.url).pathname}`);
    return undefined;
  }

  #list(method: string, query: URLSearchParams, fault: Fault | undefined): Response {
    const [from, to] = this.#rangeOf(query);
    const size = Math.min(Number(query.get("page_size") ?? 10), MAX_PAGE);
    const page = fault === "same page" ? 1 : Number(query.get("page") ?? 1);
    const count = to - from;
    if (page > Math.max(1, Math.ceil(count / size))) return json({ detail: "Invalid page." }, {}, 404);
    const begin = from + (page - 1) * size;
    const end = Math.min(begin + size, to) - (fault === "short page" ? 1 : 0);
    const events = Array.from({ length: Math.max(0, end - begin) }, (_, index) => this.#print(begin + index, fault));
    const total = fault === "no count" ? {} : { "X-Result-Count": String(count + (fault === "wrong count" ? 1 : 0)) };
    const body = `[${events.join(",")}]`;
    const text = fault === "half" ? body.slice(0, body.length / 2) : body;
    return new Response(method === "HEAD" ? null : text, { headers: { ...this.#headers(), ...total } });
  }

  /** Indexes. */
  #rangeOf(query: URLSearchParams): [from: number, to: number] {
    const [from, to] = [query.get("created_from"), query.get("created_to")];
    const end = to === null ? Number.MAX_SAFE_INTEGER : Number(to) * 1_000_000 + (this.includesEnd ? 1 : 0);
    return [this.history.firstFrom(Number(from ?? 0) * 1_000_000), this.history.firstFrom(end)];
  }

  #print(index: number, fault: Fault | undefined): string {
    const { created, uuid, ...rest } = this.history.at(index);
    const named = fault === "no uuid" ? {} : { uuid };
    return JSON.stringify({ ...named, created: printTime(created).replace("Z", this.zone), ...rest });
  }

  #stats(query: URLSearchParams): Response {
    const { length } = this.history;
    const months = [];
    for (let index = 0; index < length; ) {
      const date = new Date(this.history.at(index).created / 1_000);
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
      const next = this.history.firstFrom(Date.UTC(year, month + 1) * 1_000);
      months.unshift({ year, month: month + 1, count: next - index });
      index = next;
    }
    const size = Math.min(Number(query.get("page_size") ?? 10), MAX_PAGE);
    const page = Number(query.get("page") ?? 1);
    const total = { "X-Result-Count": String(months.length) };
    return json(months.slice((page - 1) * size, page * size), { ...this.#headers(), ...total });
  }

  #headers(): Record<string, string> {
    return { "Content-Type": "application/json", ...(this.clock && { Date: new Date(this.clock()).toUTCString() }) };
  }
}

const json = (body: unknown, headers: Record<string, string> = {}, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
