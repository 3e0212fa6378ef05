import type { Context, Hono } from "hono";
import { seesEverything } from "../auth/actor.ts";
import { authenticate } from "../auth/authenticate.ts";
import type { App } from "../env.ts";
import { jsonText } from "../http/json.ts";
import { acceptedType } from "../http/negotiate.ts";
import { mountResource } from "../http/resource.ts";
import { csv, exported, exportedPage, ndjson } from "./export.ts";
import { eventStream, longPoll } from "./live.ts";
import { type OpenRead, openRead } from "./open-reads.ts";
import { type FeedRequest, readFeedRequest } from "./request.ts";
import { emptyResponse, firstPage, headResponse, listResponse, pageResponse, streamResponse } from "./respond.ts";
import { feedStatus } from "./status.ts";

const NDJSON = "application/x-ndjson";
const CSV = "text/csv";
const SSE = "text/event-stream";

type FileType = typeof NDJSON | typeof CSV;
const NAMES = { [NDJSON]: "events.ndjson", [CSV]: "events.csv" } as const;
const PRINTERS = { [NDJSON]: ndjson, [CSV]: csv } as const;

/** The URLs of the feed. Mount before the events: `/api/events/{id}/` matches any segment. */
export function mountFeed(app: Hono<App>): void {
  mountResource(app, {
    path: "/api/events/feed/",
    name: "Event Feed",
    authenticate,
    get: feed,
    types: [NDJSON, CSV, SSE],
  });
  mountResource(app, { path: "/api/events/feed/status/", name: "Event Feed Status", authenticate, get: status });
}

async function status(c: Context<App>): Promise<Response> {
  const answer = await feedStatus(c.env, c.get("reader"), seesEverything(c.get("actor")));
  return jsonText(c, JSON.stringify(answer), { "Cache-Control": "no-store" });
}

async function feed(c: Context<App>): Promise<Response> {
  // `format`, which can only be json, comes before Accept.
  const type = c.req.queries("format")?.at(-1) ? undefined : acceptedType(c.req.header("Accept"), [NDJSON, CSV]);
  const isStream = c.req.queries("live")?.at(-1) === "sse";
  const request = await readFeedRequest(c, type === CSV && !isStream ? "csv" : "json");
  if (c.req.method === "HEAD") return headResponse(c, request);
  if (request.live === "sse") return sse(c, request);
  if (request.live === "long-poll") return poll(c, request, type);
  return type === undefined ? pageResponse(c, request, await firstPage(request)) : file(c, request, type);
}

/** An export: as many pages as one answer may have. */
const file = (c: Context<App>, request: FeedRequest, type: FileType): Promise<Response> =>
  whileOpen(c, async (open) => {
    const texts = exported(request, await firstPage(request), PRINTERS[type]);
    return streamResponse(c, { type, texts, open, name: NAMES[type] });
  });

const sse = (c: Context<App>, request: FeedRequest): Promise<Response> =>
  whileOpen(c, async (open) =>
    streamResponse(c, { type: SSE, texts: eventStream(request, await firstPage(request)), open }),
  );

const poll = (c: Context<App>, request: FeedRequest, type: FileType | undefined): Promise<Response> =>
  whileOpen(c, async (open) => {
    const { feed, page } = await longPoll(request);
    if (type !== undefined && page.messages.length > 0)
      return streamResponse(c, { type, texts: exportedPage(feed, page, PRINTERS[type]), open });
    open.close();
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

/** Counts an answer that goes on for long as open, until it is closed or throws. */
async function whileOpen(c: Context<App>, answer: (open: OpenRead) => Promise<Response>): Promise<Response> {
  const open = openRead(c.get("client"));
  try {
    return await answer(open);
  } catch (error) {
    open.close();
    throw error;
  }
}
