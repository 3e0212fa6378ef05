import type { SQL } from "drizzle-orm";
import { isEverything } from "../../values/periods.ts";
import type { Cursor } from "../page-token.ts";
import { invalidPage, neighbour, type PageRequest, pageCount } from "../pagination.ts";
import { type EventQuery, fingerprintOf, type SeriesQuery } from "../query.ts";
import { chosenFields } from "../representation.ts";
import type { EventsRequest } from "../request.ts";
import type { Result } from "../respond.ts";
import type { EventRow } from "../row.ts";
import { eventsIn, incarnationOf, lastIdOf, NO_EVENTS, type Version } from "../version.ts";
import type { Visibility } from "../visibility.ts";
import { identityOf, pageColumns, pageJson } from "./content.ts";
import { existsStatement, placeOf } from "./cursor.ts";
import type { Part } from "./part.ts";
import { listSearch } from "./search.ts";
import { type Listed, listSeries } from "./series.ts";

/** Events from which on a page costs more than the version of its series, for a log of up to four years. */
const LONG_PAGE = 10;

/** Whether a page is read together with the version of its series, in one round trip. */
export const isReadWithVersion = (query: EventQuery, { number, cursor }: PageRequest): boolean =>
  query.kind === "series" && number === 1 && cursor === undefined;

/**
 * One page of the list. `withTokens`: its links carry page tokens. Throws 404 when there is no such page, and for a token of
 * another incarnation of the log.
 */
export async function listPage(
  request: EventsRequest,
  asked: PageRequest,
  known: readonly Version[],
  withTokens: boolean,
): Promise<Result> {
  const { reader, digest, params, knowsIds, isHead } = request;
  const fields = chosenFields(params.getAll("field"), knowsIds);
  const columns = pageColumns(fields, { events: asked.size + 1, readsContent: !isHead });
  const hasCursor = cursorCheck(request, asked);
  const { total, version, rows: found, isExact } = await findRows(request, columns, asked, known);
  const incarnation = incarnationOf(version);
  if (total > 0 && isForeign(asked.cursor?.incarnation, incarnation)) throw invalidPage();
  const { number, pages, rows, next, previous } = pageOf(asked, total, found);
  const list = withTokens ? { fingerprint: fingerprintOf(digest), incarnation } : undefined;
  const cursor = (row: EventRow | undefined, direction: Cursor["direction"]): Cursor | undefined =>
    row && { direction, created: row.created, event: knowsIds ? row.id : row.uuid };
  return {
    version,
    body: pageJson(reader, rows, fields),
    identity: identityOf(rows, fields),
    count: total,
    events: rows.length,
    links: {
      pages,
      next: neighbour(number + 1, cursor(next, "after"), list),
      previous: neighbour(number - 1, cursor(previous, "before"), list),
    },
    isExact,
    isBehind: !hasCursor(version),
  };
}

/**
 * A token may be older than incarnations. An empty list is the same in all of them; whether its series has hidden events
 * must not show.
 */
const isForeign = (given: number | undefined, current: number | undefined): boolean =>
  given !== undefined && current !== undefined && given !== current;

/**
 * A check whether data of a version has the event of the page token: its id says so, or a look-up of its uuid, which goes
 * along with the next read where there are replicas. Without a page token there is nothing to miss.
 */
function cursorCheck({ reader, visibility }: EventsRequest, { cursor }: PageRequest): (version: Version) => boolean {
  if (cursor === undefined) return () => true;
  const { event } = cursor;
  if (typeof event === "number") return (version) => event <= lastIdOf(version);
  if (!reader.hasReplicas) return () => false;
  const found = reader.alongside(existsStatement(cursor, visibility));
  return () => found().length > 0;
}

/** The rows around a page, and the total. No rows when the version of a series is `known`. */
async function findRows(
  request: EventsRequest,
  columns: SQL,
  asked: PageRequest,
  known: readonly Version[],
): Promise<Listed> {
  const { reader, query, visibility } = request;
  if (query.kind === "nothing") return { total: 0, version: NO_EVENTS, rows: [] };
  const wanted = { columns, ...partOf(asked, visibility) };
  if (query.kind === "search") return listSearch(request, query, wanted);
  return listSeries(reader, query, wanted, isReadWithVersion(query, asked) ? worthKnowing(query, asked, known) : []);
}

/** The versions whose rows cost more than a second look at the counters, which tells that a version is known. */
const worthKnowing = ({ range }: SeriesQuery, { size }: PageRequest, known: readonly Version[]): readonly Version[] =>
  size >= LONG_PAGE && isEverything(range) ? known.filter((version) => eventsIn(version) >= LONG_PAGE) : [];

/** With a cursor, one row more than the page has, to see whether the list goes on. */
function partOf({ number, size, cursor }: PageRequest, visibility: Visibility): Part {
  if (cursor !== undefined) {
    return { from: "cursor", direction: cursor.direction, beyond: placeOf(cursor, visibility), limit: size + 1 };
  }
  if (number === "last") return { from: "end", limit: size };
  return { from: "start", skip: (number - 1) * size, limit: size };
}

/** One page, from the rows found for it. */
interface Page {
  /** From 1. */
  number: number;
  /** The number of pages. */
  pages: number;
  rows: EventRow[];
  /** The event before the next page, and the one after the previous page; undefined where there is no such page. */
  next: EventRow | undefined;
  previous: EventRow | undefined;
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
      previous: pages > 1 ? last[0] : undefined,
    };
  }
  if (number > pages) throw invalidPage();
  const next = number < pages ? rows.at(-1) : undefined;
  return { number, pages, rows, next, previous: number > 1 ? rows[0] : undefined };
}

/** The extra row shows whether the list goes on ahead; behind the cursor it always does. */
function aroundCursor(cursor: Cursor, size: number, found: EventRow[]): Pick<Page, "rows" | "next" | "previous"> {
  const forwards = cursor.direction === "after";
  const more = found.length > size;
  const rows = forwards ? found.slice(0, size) : found.slice(Math.max(0, found.length - size));
  return {
    rows,
    next: more || !forwards ? rows.at(-1) : undefined,
    previous: more || forwards ? rows[0] : undefined,
  };
}
