import type { SQL } from "drizzle-orm";
import type { Reader } from "../../db/reader.ts";
import type { Cursor } from "../page-token.ts";
import { invalidPage, neighbour, type PageRequest, pageCount } from "../pagination.ts";
import { type EventQuery, fingerprintOf, type SearchQuery } from "../query.ts";
import { chosenFields } from "../representation.ts";
import type { EventsRequest } from "../request.ts";
import type { Result } from "../respond.ts";
import { type EventRow, eventRow } from "../row.ts";
import type { SearchSlice } from "../search/by-index.ts";
import { pageStatement, wholePageStatement } from "../search/page.ts";
import { mayBeShort } from "../search/plan.ts";
import { readTotal } from "../search/total.ts";
import { NO_EVENTS, searchVersion, type Version } from "../version.ts";
import { identityOf, pageColumns, pageJson } from "./content.ts";
import { isWideSearch, keepWideSearch } from "./hints.ts";
import { inListOrder, type Listed, listSeries, type Part, type Wanted } from "./series.ts";

/** Whether a page is read together with the version of its series, in one round trip. */
export const isReadWithVersion = (query: EventQuery, { number, cursor }: PageRequest): boolean =>
  query.kind === "series" && number === 1 && cursor === undefined;

/** One page of the list. `withTokens`: its links carry page tokens. Throws 404 when there is no such page. */
export async function listPage(
  { reader, query, digest, params, isHead }: EventsRequest,
  asked: PageRequest,
  known: readonly Version[],
  withTokens: boolean,
): Promise<Result> {
  const fields = chosenFields(params.getAll("field"));
  const columns = pageColumns(fields, { events: asked.size + 1, readsContent: !isHead });
  const { total, version, rows: found, searched } = await findRows(reader, query, digest, columns, asked, known);
  const { number, pages, rows, next, previous } = pageOf(asked, total, found);
  const fingerprint = withTokens ? fingerprintOf(digest) : undefined;
  return {
    version,
    body: pageJson(reader, rows, fields),
    identity: identityOf(rows, fields),
    count: total,
    events: rows.length,
    links: {
      pages,
      next: neighbour(number + 1, next, fingerprint),
      previous: neighbour(number - 1, previous, fingerprint),
    },
    searched,
  };
}

/** The rows around a page, and the total. `key` names a search. No rows when the version of a series is `known`. */
async function findRows(
  reader: Reader,
  query: EventQuery,
  key: string,
  columns: SQL,
  asked: PageRequest,
  known: readonly Version[],
): Promise<Listed> {
  if (query.kind === "nothing") return { total: 0, version: NO_EVENTS, rows: [] };
  const wanted = { columns, ...partOf(asked) };
  if (query.kind === "search") return listSearch(reader, query, key, wanted);
  return listSeries(reader, query, wanted, isReadWithVersion(query, asked) ? known : []);
}

/** With a cursor, one row more than the page has, to see whether the list goes on. */
function partOf({ number, size, cursor }: PageRequest): Part {
  if (cursor !== undefined) return { from: "cursor", cursor, limit: size + 1 };
  if (number === "last") return { from: "end", limit: size };
  return { from: "start", skip: (number - 1) * size, limit: size };
}

async function listSearch(reader: Reader, query: SearchQuery, key: string, wanted: Wanted): Promise<Listed> {
  const slice = searchSlice(wanted);
  const { columns: _, ...part } = wanted;
  const hint = `${key} ${JSON.stringify(part)}`;
  const isWide = isWideSearch(hint);
  const [[first, ...near] = []] = await reader.read([pageStatement(query, key, slice, isWide)]);
  const searched = readTotal(first);
  const { total } = searched;
  const isShort = !isWide && near.length < Math.min(slice.limit, total - slice.offset) && mayBeShort(slice, total);
  if (isShort) keepWideSearch(hint);
  const [rows = []] = isShort ? await reader.read([wholePageStatement(query, slice)]) : [near];
  const version = searchVersion(searched);
  return { total, version, rows: inListOrder(query.oldestFirst, rows.map(eventRow)), searched };
}

function searchSlice(wanted: Wanted): SearchSlice {
  const { columns, limit } = wanted;
  if (wanted.from === "cursor")
    return { columns, backwards: wanted.cursor.direction === "before", offset: 0, limit, beyond: wanted.cursor };
  return { columns, backwards: wanted.from === "end", offset: wanted.from === "start" ? wanted.skip : 0, limit };
}

/** One page, from the rows found for it. */
interface Page {
  /** From 1. */
  number: number;
  /** The number of pages. */
  pages: number;
  rows: EventRow[];
  /** Where the neighbouring pages begin; undefined where there is none. */
  next: Cursor | undefined;
  previous: Cursor | undefined;
}

function pageOf({ number, size, cursor }: PageRequest, total: number, rows: EventRow[]): Page {
  const pages = pageCount(total, size);
  if (cursor !== undefined) return { ...aroundCursor(cursor, size, rows), number: Number(number), pages };
  if (number === "last") {
    const last = rows.slice(rows.length - (total - (pages - 1) * size));
    return {
      number: pages,
      pages,
      rows: last,
      next: undefined,
      previous: pages > 1 ? edge(last[0], "before") : undefined,
    };
  }
  if (number > pages) throw invalidPage();
  const next = number < pages ? edge(rows.at(-1), "after") : undefined;
  return { number, pages, rows, next, previous: number > 1 ? edge(rows[0], "before") : undefined };
}

/** The extra row shows whether the list goes on ahead; behind the cursor it always does. */
function aroundCursor(cursor: Cursor, size: number, found: EventRow[]): Pick<Page, "rows" | "next" | "previous"> {
  const forwards = cursor.direction === "after";
  const more = found.length > size;
  const rows = forwards ? found.slice(0, size) : found.slice(Math.max(0, found.length - size));
  return {
    rows,
    next: more || !forwards ? edge(rows.at(-1), "after") : undefined,
    previous: more || forwards ? edge(rows[0], "before") : undefined,
  };
}

const edge = (row: EventRow | undefined, direction: Cursor["direction"]): Cursor | undefined =>
  row && { direction, created: row.created, id: row.id };
