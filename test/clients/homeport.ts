import { get } from "../support/world.ts";

/** A filter of a table; a list is sent as a repeated parameter. */
export type TableFilter = Readonly<Record<string, string | readonly string[]>>;

/** What a table of HomePort reads from a response. */
export interface TablePage {
  rows: { uuid: string; message: string }[];
  resultCount: number;
  /** Undefined on the last page. */
  nextPage: number | undefined;
}

/**
 * HomePort, Waldur's web front end, as its table and its loops ask for events (src/table/api.ts and src/core/api.ts of
 * waldur-homeport, 2026). It never sends back what Link has: it takes the number at the beginning of `page`.
 */
export class HomePort {
  readonly #token: string;
  /** The query strings that it has sent. */
  readonly asked: string[] = [];

  constructor(token: string) {
    this.#token = token;
  }

  /** One request of a table, with parameters in HomePort's order and repeated ones for lists. */
  request(filter: TableFilter, page: number, pageSize: number): Promise<Response> {
    const pairs = Object.entries({ page: String(page), page_size: String(pageSize), ...filter });
    const parameters = pairs.flatMap(([name, value]) =>
      [value].flat().map((one) => `${name}=${encodeURIComponent(one)}`),
    );
    const search = `?${parameters.join("&")}`;
    this.asked.push(search);
    const headers = { Accept: "application/json", "Accept-Language": "en", "sentry-trace": "0-0-0", baggage: "a=b" };
    return get(`/api/events/${search}`, this.#token, { headers });
  }

  /** Throws what makes HomePort show "Something went wrong". */
  async table(filter: TableFilter, page: number, pageSize: number): Promise<TablePage> {
    const response = await this.request(filter, page, pageSize);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const type = response.headers.get("Content-Type")?.toLowerCase().split(";")[0]?.trim();
    if (type !== "application/json") throw new Error("Unexpected response content type");
    const rows = await response.json<TablePage["rows"]>();
    const resultCount = Number.parseInt(response.headers.get("X-Result-Count") ?? "", 10);
    return { rows, resultCount, nextPage: nextPageOf(response) };
  }

  /** The export of a table: asks for the number of the next page until there is none. */
  async exported(filter: TableFilter, pageSize: number): Promise<string[]> {
    const uuids: string[] = [];
    for (let page: number | undefined = 1; page !== undefined; ) {
      const { rows, nextPage }: TablePage = await this.table(filter, page, pageSize);
      uuids.push(...rows.map(({ uuid }) => uuid));
      page = nextPage;
    }
    return uuids;
  }

  /** Its other loop: counts pages itself, as long as there is a next one. */
  async allPages(filter: TableFilter, pageSize: number): Promise<string[]> {
    const uuids: string[] = [];
    for (let page = 1, hasNext = true; hasNext; page++) {
      const { rows, nextPage } = await this.table(filter, page, pageSize);
      uuids.push(...rows.map(({ uuid }) => uuid));
      hasNext = nextPage !== undefined;
    }
    return uuids;
  }
}

/** The number that the next URL has after `/?`; NaN when there is none to read. */
function nextPageOf(response: Response): number | undefined {
  const links = (response.headers.get("Link") ?? "").split(", ");
  const next = links.find((link) => link.includes('rel="next"'));
  if (next === undefined) return undefined;
  const [url = ""] = next.split(";");
  const [, search = ""] = url.slice(1, -1).split("/?");
  return Number.parseInt(new URLSearchParams(search).get("page") ?? "", 10);
}
