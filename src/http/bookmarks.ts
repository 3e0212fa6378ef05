import type { Context } from "hono";
import type { App } from "../env.ts";
import { ExpiringCache } from "./cache.ts";
import { reason } from "./errors.ts";

/**
 * Remembers the newest bookmark of D1 that was read for each token, so that its next request reads nothing older, whichever
 * replica serves it: in the isolate, and for the other isolates of the data centre in its Cache API. The Cache API does
 * nothing on workers.dev (https://developers.cloudflare.com/workers/runtime-apis/cache/).
 */

/**
 * Seconds that a bookmark is remembered: only a replica that lags by more shows something older after that. Also the time
 * after which a token is free of a bookmark that no database takes any more, such as one of a database that was deleted.
 */
export const REMEMBERED_S = 600;
const MS_PER_S = 1_000;
const MAX_TOKENS = 10_000;

const CACHE_NAME = "edge-events-bookmarks";

/** How D1 writes a bookmark; they sort by time (https://developers.cloudflare.com/d1/reference/glossary/). */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

const newest = new ExpiringCache<string>(MAX_TOKENS);

export const isBookmark = (text: string): boolean => BOOKMARK.test(text);

/** The later one; undefined only when both are. */
export function laterBookmark(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}

/** The newest bookmark that this isolate has read. `key` stands for the token, `now` in milliseconds. */
export const knownBookmark = (key: string, now: number): string | undefined =>
  newest.get(key, REMEMBERED_S * MS_PER_S, now);

/** The newest bookmark that an isolate of this data centre has read; undefined when its cache does not answer. */
export async function sharedBookmark(c: Context<App>, key: string): Promise<string | undefined> {
  try {
    const found = await (await caches.open(CACHE_NAME)).match(addressOf(c, key));
    const bookmark = await found?.text();
    return bookmark !== undefined && isBookmark(bookmark) ? bookmark : undefined;
  } catch (error) {
    logFailure(c, error);
    return undefined;
  }
}

/** Remembers a bookmark unless a newer one is known. `isShared`: for the other isolates, too, after the response. */
export function rememberBookmark(
  c: Context<App>,
  key: string,
  bookmark: string,
  { isShared, now }: { isShared: boolean; now: number },
): void {
  const known = knownBookmark(key, now);
  if (known !== undefined && known >= bookmark) return;
  newest.set(key, bookmark, now);
  if (isShared) c.executionCtx.waitUntil(share(c, key, bookmark).catch((error) => logFailure(c, error)));
}

/** Another isolate may have shared a newer one. */
async function share(c: Context<App>, key: string, bookmark: string): Promise<void> {
  const shared = await sharedBookmark(c, key);
  if (shared !== undefined && shared >= bookmark) return;
  const kept = new Response(bookmark, { headers: { "Cache-Control": `max-age=${REMEMBERED_S}` } });
  await (await caches.open(CACHE_NAME)).put(addressOf(c, key), kept);
}

/** The host is part of it: two Workers of one zone may have the same tokens, and not the same database. */
const addressOf = (c: Context<App>, key: string): string =>
  `https://bookmarks.invalid/${new URL(c.req.url).host}/${encodeURIComponent(key)}`;

function logFailure(c: Context<App>, error: unknown): void {
  const request = c.get("requestId");
  console.warn(JSON.stringify({ level: "warn", event: "bookmark_not_shared", request, error: reason(error).error }));
}
