import type { Context, MiddlewareHandler } from "hono";
import { type Meter, Reader } from "../db/reader.ts";
import type { App } from "../env.ts";
import { isBookmark, knownBookmark, laterBookmark, rememberBookmark, sharedBookmark } from "./bookmarks.ts";
import { badRequest, HttpError } from "./errors.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The database session of the request. */
    reader: Reader;
    /** Stands for the token whose bookmark is remembered. */
    bookmarkKey: string;
  }
}

/** Carries a D1 bookmark in and out: a client that sends back what it got reads nothing older. */
export const BOOKMARK_HEADER = "x-d1-bookmark";

/**
 * One database session for the request, and what it cost, for staff. A bookmark grows with every write, hidden ones too, so
 * only staff and support get it. A malformed one is 400 for everybody.
 */
export const session: MiddlewareHandler<App> = async (c, next) => {
  const bookmark = c.req.header(BOOKMARK_HEADER);
  // Local D1 takes any text.
  if (bookmark !== undefined && !isBookmark(bookmark)) {
    throw badRequest({ detail: `The header ${BOOKMARK_HEADER} is not a bookmark.` });
  }
  const reader = new Reader(c.env.DB);
  c.set("reader", reader);
  await next();
  const actor = c.get("actor");
  const read = reader.bookmark();
  if (read !== null) remember(c, read);
  const seen = read ?? reader.primaryBookmark();
  if (seen !== null && (actor?.isStaff || actor?.isSupport)) c.res.headers.set(BOOKMARK_HEADER, seen);
  if (actor?.isStaff) c.res.headers.set("Server-Timing", serverTiming(reader.meter));
};

/**
 * Goes on from the newest bookmark that is known of the token, `key` stands for it, or from the one that the client sent.
 * `mayName`: whether the client may send one, because its actor sees every event.
 */
export function continueSession(c: Context<App>, { key, mayName }: { key: string; mayName: boolean }): void {
  const sent = mayName ? c.req.header(BOOKMARK_HEADER) : undefined;
  const from = laterBookmark(sent, knownBookmark(key, Date.now()));
  if (from !== undefined) c.get("reader").continueFrom(from);
  c.set("bookmarkKey", key);
}

/**
 * Not after a request with a bookmark of its own: the session would return it even if the database never gave it, and it
 * would spoil the next requests of the token.
 */
function remember(c: Context<App>, bookmark: string): void {
  const key = c.get("bookmarkKey");
  if (key === undefined || c.req.header(BOOKMARK_HEADER) !== undefined) return;
  rememberBookmark(c, key, bookmark, { isShared: c.get("reader").region !== undefined, now: Date.now() });
}

/**
 * Runs a read, and runs it once more when a replica served it that is behind what the client may have seen: behind the
 * bookmark that another isolate shared, or by the read's own account (`isBehind`). A refusal that a replica gives is asked of
 * the primary. So nothing is read more than twice.
 */
export async function upToDate<T extends { isBehind: boolean }>(c: Context<App>, read: () => Promise<T>): Promise<T> {
  const reader = c.get("reader");
  const findShared = () => sharedBookmark(c, c.get("bookmarkKey"));
  // Beside the read, so that it takes no time of its own.
  const found = reader.hasReplicas ? findShared() : undefined;
  try {
    const result = await read();
    if (!reader.isFromReplica) return result;
    const shared = result.isBehind ? undefined : await (found ?? findShared());
    if (!result.isBehind && (shared === undefined || shared <= (reader.bookmark() ?? ""))) return result;
    if (shared === undefined) reader.continueFromPrimary();
    else reader.continueFrom(shared);
  } catch (error) {
    if (!(error instanceof HttpError) || error.status >= 500 || !reader.isFromReplica) throw error;
    reader.continueFromPrimary();
  }
  return read();
}

const serverTiming = ({ sqlMs, rowsRead, rowsWritten, roundTrips }: Meter): string =>
  `d1;dur=${sqlMs.toFixed(1)}, rows_read;desc="${rowsRead}", rows_written;desc="${rowsWritten}", trips;desc="${roundTrips}"`;
