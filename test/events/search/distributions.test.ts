import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { linkOf } from "../../support/big-log.ts";
import { DISTRIBUTIONS, type Loaded, loadDistribution } from "../../support/distributions.ts";
import { aPerson } from "../../support/people.ts";
import { get, rowsRead } from "../../support/world.ts";

const EVENTS = Number(env.SEARCH_EVENTS);
const PAGE = 10;

/** Rows of the first search beside those of its matches, and rows of every later one (5,000 are allowed). */
const BESIDE = 5_000;
const LATER = 400 + EVENTS / 1_000;

/** A longer text has to be compared with the event: two rows for each match. The index has the number of shorter ones. */
const TEXTS = { "a text of two letters": ["ne", 0], "a longer text": ["needle", 2] } as const;

/** Where neither the newest events nor the newest ids lead to the newest matches, all are listed at once: two rows for each. */
const HIDDEN = ["one burst", "one in 2099", "late arrivals", "one microsecond"];

const uuids = (ids: readonly number[]) => ids.map((id) => id.toString(16).padStart(32, "0"));

/** A list of all matches and its pages. */
class Searcher {
  readonly #token: string;
  readonly #message: string;
  readonly #loaded: Loaded;

  constructor(token: string, message: string, loaded: Loaded) {
    this.#token = token;
    this.#message = message;
    this.#loaded = loaded;
  }

  get total(): number {
    return this.#loaded.newestFirst.length;
  }

  /** Asks for a page and expects its events and total; the rows read. */
  async page(order: "created" | "-created", number: number, asked = String(number)): Promise<number> {
    return (await this.#expectPage(`/api/events/?message=${this.#message}&o=${order}&page=${asked}`, order, number))
      .rows;
  }

  /** Follows a link from a page. */
  async neighbour(order: "created" | "-created", number: number, rel: "next" | "prev"): Promise<number> {
    const path = `/api/events/?message=${this.#message}&o=${order}&page=${number}`;
    const { response } = await this.#expectPage(path, order, number);
    return (await this.#expectPage(linkOf(response, rel) ?? "no link", order, number + (rel === "next" ? 1 : -1))).rows;
  }

  async #expectPage(path: string, order: "created" | "-created", number: number) {
    const response = await get(path, this.#token);
    const ids = order === "created" ? this.#loaded.oldestFirst : this.#loaded.newestFirst;
    const found = (await response.clone().json<{ uuid: string }[]>()).map(({ uuid }) => uuid.replaceAll("-", ""));
    expect(found, path).toEqual(uuids(ids.slice((number - 1) * PAGE, number * PAGE)));
    expect(response.headers.get("X-Result-Count"), path).toBe(String(this.total));
    expect(response.headers.has("X-Result-Count-Exact"), path).toBe(false);
    return { response, rows: rowsRead(response) };
  }
}

describe.each(Object.keys(DISTRIBUTIONS))("where the matches lie like this in time: %s,", (name) => {
  it("every page is found, and reads few rows after the first search", async () => {
    const { token } = await aPerson({ staff: true });
    const loaded = await loadDistribution(name, EVENTS);
    for (const [kind, [message, each]] of Object.entries(TEXTS)) {
      const searcher = new Searcher(token, message, loaded);
      const pages = Math.ceil(searcher.total / PAGE);
      const middle = Math.round(pages / 2);
      const first = await searcher.page("-created", 1);
      const rows: Record<string, number> = {};
      // Once more, because the first page of two letters may need no list of the matches, and the next one does.
      const listed = await searcher.page("-created", middle);
      for (const order of ["created", "-created"] as const) {
        rows[`first ${order}`] = await searcher.page(order, 1);
        rows[`last ${order}`] = await searcher.page(order, pages, "last");
        rows[`middle ${order}`] = await searcher.page(order, middle);
        rows[`next ${order}`] = await searcher.neighbour(order, middle, "next");
        rows[`prev ${order}`] = await searcher.neighbour(order, middle, "prev");
        rows[`third of three ${order}`] = await searcher.page(order, 3);
      }
      const worst = Math.max(...Object.values(rows));
      console.log(`${name}; ${kind}; ${searcher.total}; ${first}; ${listed}; ${worst}`);
      expect(first, kind).toBeLessThanOrEqual((HIDDEN.includes(name) ? 2 : each) * searcher.total + BESIDE);
      expect(listed, kind).toBeLessThanOrEqual(2 * searcher.total + LATER);
      for (const [page, read] of Object.entries(rows)) expect(read, `${kind}: ${page}`).toBeLessThanOrEqual(LATER);
    }
  });
});
