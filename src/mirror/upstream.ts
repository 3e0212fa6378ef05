import * as v from "valibot";
import type { Env } from "../env.ts";
import { parseJson } from "../values/json.ts";
import { parseTime } from "../values/time.ts";
import { parseUuid } from "../values/uuid.ts";
import { assertUsable, boundedText, countOf, listIn, skewOf, TooLarge } from "./answer.ts";
import type { Budget } from "./budget.ts";
import { canonicalLine } from "./canonical.ts";
import { PAGE_EVENTS } from "./limits.ts";
import { MirrorProblem } from "./problems.ts";
import { monthRange, type Range } from "./range.ts";

/** An event of Waldur. `value`: as it was parsed; `created` in microseconds. */
export interface TheirEvent {
  uuid: string;
  created: number;
  line: string;
  value: unknown;
}

/** A page of a list: the number of all its events, and those of the page. */
export interface Page {
  total: number;
  events: TheirEvent[];
}

/** A month and its number of events. */
export interface MonthCount {
  range: Range;
  count: number;
}

/** What the mirror asks of a Waldur. Every call is one request, `months` now and then two. */
export interface TheirSide {
  count(range: Range): Promise<number>;
  /** Without `to`: all events from `from` on. Undefined: there is no such page. Throws TooLarge for a smaller page to be asked. */
  page(range: Pick<Range, "from"> & Partial<Range>, page: number, size: number): Promise<Page | undefined>;
  months(): Promise<MonthCount[]>;
}

/** Months that are read: 100 years. */
const MAX_MONTHS = 1_200;

const fields = v.object({
  uuid: v.string(),
  created: v.string(),
  event_type: v.string(),
  message: v.string(),
  context: v.optional(v.unknown(), {}),
});
const monthCount = v.object({ year: v.number(), month: v.number(), count: v.number() });

type Bindings = Pick<Env, "WALDUR" | "WALDUR_URL" | "WALDUR_MIRROR_TOKEN">;

/** A Waldur over HTTP. `now` in milliseconds. */
export class Upstream implements TheirSide {
  /** Milliseconds by which the clock of the last answer was ahead. */
  skew: number;
  readonly #env: Bindings;
  readonly #budget: Budget;
  readonly #now: () => number;

  constructor(env: Bindings, budget: Budget, now: () => number, skew = 0) {
    this.skew = skew;
    this.#env = env;
    this.#budget = budget;
    this.#now = now;
  }

  async count(range: Range): Promise<number> {
    return countOf(
      await this.#ask("HEAD", "events", { ...times(range), page_size: "1" }, async (response) => response),
    );
  }

  async page(range: Pick<Range, "from"> & Partial<Range>, page: number, size: number): Promise<Page | undefined> {
    const query = { o: "created", ...times(range), page_size: String(size), page: String(page) };
    return this.#ask("GET", "events", query, async (response) => {
      if (response.status === 404 && page > 1) return undefined;
      return { total: countOf(response), events: (await this.#list(response)).map(theirEvent) };
    });
  }

  async months(): Promise<MonthCount[]> {
    const months: MonthCount[] = [];
    for (let page = 1; months.length < MAX_MONTHS; page++) {
      const query = { page_size: String(PAGE_EVENTS), page: String(page) };
      const more = await this.#ask("GET", "events-stats", query, async (response) => {
        const total = countOf(response);
        return { total, list: (await this.#list(response)).map(monthOf) };
      });
      months.push(...more.list);
      if (months.length >= more.total || more.list.length === 0) break;
    }
    return months.sort((a, b) => a.range.from - b.range.from);
  }

  async #list(response: Response): Promise<unknown[]> {
    const text = await boundedText(response);
    this.#budget.bytes += text.length;
    return listIn(text, parseJson);
  }

  /** One request. A failure on the way, of the body, too, is a MirrorProblem; TooLarge passes. */
  async #ask<T>(
    method: string,
    endpoint: "events" | "events-stats",
    query: Record<string, string>,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const url = new URL(`api/${endpoint}/?${new URLSearchParams(query)}`, baseUrl(this.#env));
    const late = new AbortController();
    // Not AbortSignal.timeout, whose timer goes on after the answer: an isolate may have 10,000.
    const timer = setTimeout(() => late.abort(), this.#budget.spendRequest());
    const init = { method, headers: headersOf(this.#env), redirect: "manual" as const, signal: late.signal };
    const request = new Request(url, init);
    let response: Response | undefined;
    try {
      response = await (this.#env.WALDUR ?? globalThis).fetch(request);
      if (!(response.status === 404 && Number(query.page) > 1)) assertUsable(response, this.#now());
      this.skew = skewOf(response, this.#now()) ?? this.skew;
      return await read(response);
    } catch (error) {
      if (error instanceof MirrorProblem || error instanceof TooLarge) throw error;
      throw new MirrorProblem("no_answer", error instanceof Error ? error.name : "");
    } finally {
      clearTimeout(timer);
      if (response?.bodyUsed === false) await response.body?.cancel();
    }
  }
}

/** WALDUR_URL with a slash at its end, without user and password. Throws a MirrorProblem that does not quote it. */
export function baseUrl({ WALDUR_URL = "" }: Bindings): URL {
  const url = URL.parse(`${WALDUR_URL.replace(/(^|[^/])\/+$/, "$1")}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new MirrorProblem("bad_url");
  url.username = "";
  url.password = "";
  return url;
}

/** A personal access token of a Waldur of 2026 begins with `w_` and is a bearer token. */
function headersOf({ WALDUR_MIRROR_TOKEN: token = "" }: Bindings): Record<string, string> {
  const scheme = token.startsWith("w_") ? "Bearer" : "Token";
  return {
    Authorization: `${scheme} ${token}`,
    Accept: "application/json",
    "Accept-Language": "en",
    "User-Agent": "edge-events-mirror",
  };
}

const times = ({ from, to }: Pick<Range, "from"> & Partial<Range>): Record<string, string> => ({
  created_from: String(from),
  ...(to === undefined ? {} : { created_to: String(to) }),
});

function theirEvent(value: unknown): TheirEvent {
  const { success, output } = v.safeParse(fields, value);
  if (!success) throw new MirrorProblem(hasUuid(value) ? "no_events" : "no_uuid");
  const [uuid, created] = [parseUuid(output.uuid), parseTime(output.created)];
  if (uuid === undefined) throw new MirrorProblem("no_uuid");
  if (created === undefined) throw new MirrorProblem("no_time");
  const { event_type: eventType, message, context } = output;
  return { uuid, created, line: canonicalLine({ uuid, created, eventType, message, context }), value };
}

const hasUuid = (value: unknown): boolean => v.is(v.looseObject({ uuid: v.string() }), value);

function monthOf(value: unknown): MonthCount {
  const { success, output } = v.safeParse(monthCount, value);
  if (!success) throw new MirrorProblem("no_events");
  return { range: monthRange(output.year, output.month - 1), count: output.count };
}
