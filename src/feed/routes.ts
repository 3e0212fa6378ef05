import type { Context, Hono } from "hono";
import { authenticate } from "../auth/authenticate.ts";
import type { App } from "../env.ts";
import { acceptedType } from "../http/negotiate.ts";
import { mountResource } from "../http/resource.ts";
import { exported, PRINTERS } from "./export.ts";
import { eventStream, longPoll } from "./live.ts";
import { openRead } from "./open-reads.ts";
import { type FeedRequest, readFeedRequest } from "./request.ts";
import { emptyResponse, firstPage, headResponse, listResponse, pageResponse, streamResponse } from "./respond.ts";

const NDJSON = "application/x-ndjson";
const CSV = "text/csv";
const SSE = "text/event-stream";

/** The URLs of the feed. Mount before the events: `/api/events/{id}/` matches any segment. */
export function mountFeed(app: Hono<App>): void {
  mountResource(app, {
    path: "/api/events/feed/",
    name: "Event Feed",
    authenticate,
    get: feed,
    types: [NDJSON, CSV, SSE],
  });
}

async function feed(c: Context<App>): Promise<Response> {
  const type = acceptedType(c.req.header("Accept"), [NDJSON, CSV]);
  const request = await readFeedRequest(c, type === CSV ? "csv" : "json");
  if (c.req.method === "HEAD") return headResponse(c, request);
  if (request.live !== undefined) return live(c, request);
  if (type === undefined) return pageResponse(c, request, await firstPage(request));
  const format = type === CSV ? "csv" : "ndjson";
  return whileOpen(c, async (closed) => {
    const texts = exported(request, await firstPage(request), PRINTERS[format]);
    return streamResponse(c, { type, texts, closed, name: `events.${format}` });
  });
}

const live = (c: Context<App>, request: FeedRequest): Promise<Response> =>
  whileOpen(c, async (closed) => {
    if (request.live === "sse") {
      return streamResponse(c, { type: SSE, texts: eventStream(request, await firstPage(request)), closed });
    }
    const { feed, page } = await longPoll(request);
    closed();
    return page.messages.length === 0 && page.isUpToDate ? emptyResponse(c, feed, page) : pageResponse(c, feed, page);
  });

/**
 * `GET /api/events/?after=OFFSET`: the events of the feed as pages of the list, for clients that follow `rel="next"`, which is
 * there on every page, also on an empty one at the end.
 */
export async function listAfter(c: Context<App>): Promise<Response> {
  const request = await readFeedRequest(c, "list");
  return listResponse(c, request, await firstPage(request));
}

/** Counts an answer that goes on for long as open, until it calls `closed` or throws. */
async function whileOpen(c: Context<App>, answer: (closed: () => void) => Promise<Response>): Promise<Response> {
  const closed = openRead(c.get("client"));
  try {
    return await answer(closed);
  } catch (error) {
    closed();
    throw error;
  }
}
