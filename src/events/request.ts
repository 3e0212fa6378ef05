import type { Context } from "hono";
import { seesEverything } from "../auth/actor.ts";
import { type Database, database } from "../db/client.ts";
import type { Reader } from "../db/reader.ts";
import type { App } from "../env.ts";
import { ifNoneMatch, shortHash } from "../http/etag.ts";
import { assertWithinLimits } from "../http/query-limits.ts";
import { type EventFilter, readFilter } from "./filter.ts";
import { digestOf, type EventQuery, eventQuery, searchKeyOf } from "./query.ts";
import { RowBudget } from "./search/row-budget.ts";
import { earlierTypes, typesOf, type WantedTypes } from "./type-numbers.ts";
import type { Version } from "./version.ts";
import { type Visibility, visibilityOf } from "./visibility.ts";

/** A checked request for events, within what its actor may see. */
export interface EventsRequest {
  reader: Reader;
  /** Every parameter of the URL. */
  params: URLSearchParams;
  filter: EventFilter;
  visibility: Visibility;
  /** The types of `filter.types`, as events hold them. */
  types: WantedTypes | undefined;
  query: EventQuery;
  /** Of what is asked for: equal for every page of its list, and for all actors who see the same. */
  digest: string;
  /** Names what was counted for the search (search/kept-totals.ts): equal for both orders of the list. Not for clients. */
  searchKey: string;
  /** Runs work on the database after the response, one after the other. */
  later: (work: (db: Database) => Promise<unknown>) => void;
  /** What the client may still read to count. */
  budget: RowBudget;
  /** Of the URL: the part of an ETag that stands for the request. */
  key: string;
  /**
   * Whether the actor sees a part of the log only. The ETag is a hash of the response then: the version of the log would
   * reveal that hidden events exist.
   */
  isPartial: boolean;
  /** Whether the actor may learn the ids of events, which count hidden events, too. */
  knowsIds: boolean;
  /** Whether the client wants the headers only. */
  isHead: boolean;
  /** Versions of the response that the client has; `*` for any. */
  ifNoneMatch: Version[];
}

/**
 * Reads a request. Throws 400 for too many parameters, for a filter that is not valid, and for a scope that does not
 * exist or that the actor may not know of. `filtersOf` leaves the parameters that this route filters by. `now` in
 * milliseconds.
 */
export async function readRequest(
  c: Context<App>,
  filtersOf: (params: URLSearchParams) => URLSearchParams = (params) => params,
  now = Date.now(),
): Promise<EventsRequest> {
  const reader = c.get("reader");
  const defer = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const actor = c.get("actor");
  const params = assertWithinLimits(new URL(c.req.url).searchParams);
  const filters = filtersOf(params);
  const filter = readFilter(filters);
  const visibility = await visibilityOf({ actor, lookUpUser: c.get("lookUpUser"), reader, now }, filters, filter);
  const types = await typesOf(reader, filter.types, () => earlierTypes(c.env.DB, reader.meter, defer, now));
  const query = eventQuery(visibility, filter, types);
  const key = await shortHash(c.req.url);
  const digest = await digestOf(visibility, filter);
  return {
    reader,
    params,
    filter,
    visibility,
    types,
    query,
    digest,
    searchKey: query.kind === "search" ? await searchKeyOf(visibility, filter, types) : digest,
    later: inTurn(c),
    budget: new RowBudget(c.get("client"), c.env.SEARCH_ROWS_LIMIT, now),
    key,
    isPartial: visibility !== "everything" || filter.relatedUser !== undefined,
    knowsIds: seesEverything(actor),
    isHead: c.req.method === "HEAD",
    ifNoneMatch: ifNoneMatch(c, key),
  };
}

function inTurn(c: Context<App>): EventsRequest["later"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    last = last.then(() => work(database(c.env.DB)));
    c.executionCtx.waitUntil(last);
  };
}
