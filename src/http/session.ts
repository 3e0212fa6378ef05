import type { Context, MiddlewareHandler } from "hono";
import { type Meter, Reader } from "../db/reader.ts";
import type { App } from "../env.ts";
import { badRequest } from "./errors.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The database session of the request. */
    reader: Reader;
  }
}

/** Carries a D1 bookmark in and out: a client that sends back what it got reads nothing older. */
export const BOOKMARK_HEADER = "x-d1-bookmark";

/** How D1 writes a bookmark; local D1 takes any text, so it is looked at here. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/**
 * One database session for the request, and what it cost, for staff. A bookmark grows with every write, hidden ones too, so
 * only staff and support get it. A malformed one is 400 for everybody.
 */
export const session: MiddlewareHandler<App> = async (c, next) => {
  const bookmark = c.req.header(BOOKMARK_HEADER);
  if (bookmark !== undefined && !BOOKMARK.test(bookmark)) {
    throw badRequest({ detail: `The header ${BOOKMARK_HEADER} is not a bookmark.` });
  }
  const reader = new Reader(c.env.DB);
  c.set("reader", reader);
  await next();
  const actor = c.get("actor");
  const seen = actor?.isStaff || actor?.isSupport ? reader.bookmark() : null;
  if (seen !== null) c.res.headers.set(BOOKMARK_HEADER, seen);
  if (actor?.isStaff) c.res.headers.set("Server-Timing", serverTiming(reader.meter));
};

/** Goes on from the client's bookmark, if it sent one. For an actor who sees every event. */
export function continueSession(c: Context<App>): void {
  const bookmark = c.req.header(BOOKMARK_HEADER);
  if (bookmark !== undefined) c.get("reader").continueFrom(bookmark);
}

const serverTiming = ({ sqlMs, rowsRead, rowsWritten, roundTrips }: Meter): string =>
  `d1;dur=${sqlMs.toFixed(1)}, rows_read;desc="${rowsRead}", rows_written;desc="${rowsWritten}", trips;desc="${roundTrips}"`;
