import type { Context } from "hono";
import type { App } from "../env.ts";
import { etagOf, notModified, shortHash } from "../http/etag.ts";
import { jsonText } from "../http/json.ts";
import { publicUrl } from "../http/public-url.ts";
import { upToDate } from "../http/session.ts";
import { nextCursor } from "./cursor.ts";
import type { Format } from "./messages.ts";
import type { Position } from "./offset.ts";
import type { OpenRead } from "./open-reads.ts";
import { completeThrough, endOf, isBehind, type Page, readPage, type Source } from "./read.ts";
import { type FeedRequest, readFeedRequest } from "./request.ts";
import { streamOf } from "./stream.ts";

// The headers are those of Durable Streams 1.0: https://github.com/durable-streams/durable-streams/blob/main/PROTOCOL.md

export const sourceOf = (feed: FeedRequest): Source => ({ ...feed, reader: feed.events.reader });

/** A request, and the page that it asks for, without waiting: for HEAD of the feed the end. Throws 400 and 410. */
export const readFirstPage = (c: Context<App>, format: Format): Promise<{ feed: FeedRequest; page: Page }> =>
  upToDate(c, async () => {
    const asked = await readFeedRequest(c, format);
    const feed: FeedRequest = c.req.method === "HEAD" && format !== "list" ? { ...asked, from: "now" } : asked;
    const page = await (feed.from === "now" ? endOf(sourceOf(feed)) : readPage(sourceOf(feed), feed.from));
    return { feed, page, isBehind: isBehind(page, asked.from) };
  });

/** The offset after a page: the same text as before where the place is the same. */
export async function offsetAfter({ from, sent, print }: FeedRequest, { next, messages }: Page): Promise<string> {
  return sent !== undefined && messages.length === 0 && isAt(from, next) ? sent : await print(next);
}

/** The rest of a place says what its reader has been told, and nothing was told without a message. */
const isAt = (from: FeedRequest["from"], { incarnation, after }: Position): boolean =>
  typeof from === "object" && from.after === after && from.incarnation === incarnation;

/** The messages of a page as JSON: 200, or 304 when the client has them. */
export async function pageResponse(c: Context<App>, feed: FeedRequest, page: Page): Promise<Response> {
  const { key, ifNoneMatch } = feed.events;
  const offset = await setHeaders(c, feed, page);
  const body = `[${page.messages.join(",")}]`;
  c.set("rows", page.messages.length);
  // The end moves: what is at `now` must be asked for each time.
  if (feed.from === "now") return noStore(jsonText(c, body));
  const version = await shortHash(`${page.isUpToDate} ${page.messages.length === 0 ? offset : body}`);
  const isKnown = ifNoneMatch.includes(version) || ifNoneMatch.includes("*");
  if (feed.live === undefined && isKnown) return notModified(c, etagOf(key, version));
  return jsonText(c, body, { ETag: etagOf(key, version) });
}

/** 204: nothing came while the request waited. */
export async function emptyResponse(c: Context<App>, feed: FeedRequest, page: Page): Promise<Response> {
  await setHeaders(c, feed, page);
  c.header("Cache-Control", "no-store");
  return c.body(null, 204);
}

/** A page of the list, with the URL of the next one. */
export async function listResponse(c: Context<App>, feed: FeedRequest, page: Page): Promise<Response> {
  const offset = await setHeaders(c, feed, page);
  const url = new URL(publicUrl(c));
  url.searchParams.delete("page");
  url.searchParams.set("after", offset);
  c.header("Link", `<${url.href}>; rel="next"`);
  c.set("rows", page.messages.length);
  return noStore(jsonText(c, `[${page.messages.join(",")}]`));
}

/** HEAD: where the end is. */
export async function headResponse(c: Context<App>, feed: FeedRequest, end: Page): Promise<Response> {
  await setHeaders(c, feed, end);
  c.header("Content-Type", "application/json");
  c.header("Cache-Control", "no-store");
  return c.body(null);
}

/** A body that is made while the client takes it. `open` is closed at its end. `name`: of a file to save it in. */
interface Streamed {
  type: string;
  texts: AsyncGenerator<string>;
  open: OpenRead;
  name?: string;
}

export function streamResponse(c: Context<App>, { type, texts, open, name }: Streamed): Response {
  c.header("Content-Type", type === "text/csv" ? "text/csv; charset=utf-8" : type);
  c.header("Cache-Control", "no-store");
  c.header("Cross-Origin-Resource-Policy", "cross-origin");
  // nginx would keep events back until it has many.
  c.header("X-Accel-Buffering", "no");
  if (name !== undefined && c.req.query("download") !== undefined)
    c.header("Content-Disposition", `attachment; filename="${name}"`);
  return c.body(streamOf(c.get("requestId"), texts, open));
}

function noStore(response: Response): Response {
  response.headers.set("Cache-Control", "no-store");
  return response;
}

/** Sets the headers that every answer has, and returns the offset. */
async function setHeaders(c: Context<App>, feed: FeedRequest, page: Page): Promise<string> {
  const offset = await offsetAfter(feed, page);
  const through = completeThrough(page);
  c.header("Stream-Next-Offset", offset);
  if (page.isUpToDate) c.header("Stream-Up-To-Date", "true");
  if (through !== undefined) c.header("Stream-Complete-Through", through);
  c.header("Stream-Cursor", String(nextCursor(feed.cursor)));
  c.header("Cross-Origin-Resource-Policy", "cross-origin");
  return offset;
}
