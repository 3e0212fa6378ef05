import type { Reader } from "../../db/reader.ts";
import type { Position } from "../page-token.ts";
import { invalidPage, type PageRequest, pageCount } from "../pagination.ts";
import type { EventQuery, SearchQuery } from "../query.ts";
import type { EventRow } from "../representation.ts";
import { mayBeShort, pageStatement, readTotal, type SearchSlice, wholePageStatement } from "../search/page.ts";
import { NO_EVENTS, searchVersion, type Version } from "../version.ts";
import { inListOrder, type Listed, listFeed, type Wanted } from "./feed.ts";
import { isWideSearch, keepWideSearch } from "./hints.ts";
import { eventRow } from "./slice.ts";

/** One page of a list. */
export interface Page {
  /** From 1. */
  number: number;
  /** How many pages there are. */
  pages: number;
  rows: EventRow[];
  /** Right there the neighbouring pages begin; undefined where there is none. */
  next: Position | undefined;
  previous: Position | undefined;
}

/**
 * What a request for a page has found: rows around it and the total. `key` names a search (search.ts). A first page whose
 * version the client knows comes without rows.
 */
export async function findRows(
  reader: Reader,
  query: EventQuery,
  key: string,
  request: PageRequest,
  known: readonly Version[] = [],
): Promise<Listed> {
  if (query.kind === "nothing") return { total: 0, version: NO_EVENTS, rows: [] };
  const wanted = wantedOf(request);
  return query.kind === "feed" ? listFeed(reader, query, wanted, known) : search(reader, query, key, wanted);
}

/** For a token one row more than the page has, to see whether the list goes on. */
export function wantedOf({ number, size, position }: PageRequest): Wanted {
  if (position !== undefined) return { from: "position", position, limit: size + 1 };
  if (number === "last") return { from: "end", limit: size };
  return { from: "start", skip: (number - 1) * size, limit: size };
}

async function search(reader: Reader, query: SearchQuery, key: string, wanted: Wanted): Promise<Listed> {
  const slice = searchSlice(wanted);
  const hint = `${key} ${JSON.stringify(wanted)}`;
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
  const { limit } = wanted;
  if (wanted.from !== "position")
    return { backwards: wanted.from === "end", offset: wanted.from === "start" ? wanted.skip : 0, limit };
  return { backwards: wanted.position.direction === "before", offset: 0, limit, beyond: wanted.position };
}

/** The page among the rows found for it; throws when there is no such page. */
export function pageOf({ number, size, position }: PageRequest, { total, rows }: Listed): Page {
  const pages = pageCount(total, size);
  if (position !== undefined) return { ...aroundPosition(position, size, rows), number: Number(number), pages };
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

/** The row too many, on the far side, tells whether the list goes on there; on the near side it does. */
function aroundPosition(position: Position, size: number, found: EventRow[]): Pick<Page, "rows" | "next" | "previous"> {
  const forwards = position.direction === "after";
  const more = found.length > size;
  const rows = forwards ? found.slice(0, size) : found.slice(Math.max(0, found.length - size));
  return {
    rows,
    next: more || !forwards ? edge(rows.at(-1), "after") : undefined,
    previous: more || forwards ? edge(rows[0], "before") : undefined,
  };
}

function edge(row: EventRow | undefined, direction: Position["direction"]): Position | undefined {
  return row && { direction, created: row.created, id: row.id };
}
