import type { Context } from "hono";
import * as v from "valibot";
import type { App, Env } from "../env.ts";
import { type Following, followingOf } from "../events/log/entries.ts";
import { feedKey } from "../events/log/follow.ts";
import { pageParameters } from "../events/pagination.ts";
import { fingerprintOf } from "../events/query.ts";
import { chosenFields } from "../events/representation.ts";
import { type EventsRequest, readRequest } from "../events/request.ts";
import { readScope } from "../events/scope-url.ts";
import { badRequest } from "../http/errors.ts";
import { sha256Hex } from "../values/bytes.ts";
import { type Format, messagePrinter, type PrintMessage } from "./messages.ts";
import { type Position, parsePlain, parseSealed, printPlain, printSealed } from "./offset.ts";

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
/** Characters. */
const MAX_OFFSET_LENGTH = 255;
const MAX_CURSOR_DIGITS = 15;

const limit = v.pipe(
  v.string(),
  v.description(`Messages in one response, from 1 to ${MAX_LIMIT}; there may be fewer.`),
  v.metadata({ type: "integer", minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
  v.regex(/^\d{1,4}$/, "Enter a whole number."),
  v.transform(Number),
  v.minValue(1, `Must be from 1 to ${MAX_LIMIT}.`),
  v.maxValue(MAX_LIMIT, `Must be from 1 to ${MAX_LIMIT}.`),
);

const offset = v.pipe(
  v.string(),
  v.description(
    "Where to go on: a `Stream-Next-Offset`, unread; `-1` for the beginning, the default; `now` for the end.",
  ),
  v.maxLength(MAX_OFFSET_LENGTH, "Is not an offset of this feed."),
);

/** The last value of each counts. */
export const feedParameters = v.object({
  offset: v.optional(offset),
  live: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "Waits at the end for new messages: `long-poll` for one response, `sse` for a stream of up to a minute.",
      ),
      v.picklist(["long-poll", "sse"], "Must be long-poll or sse."),
    ),
  ),
  cursor: v.optional(
    v.pipe(
      v.string(),
      v.description("With `live`: the `Stream-Cursor` of the response before, unread."),
      v.regex(new RegExp(`^\\d{1,${MAX_CURSOR_DIGITS}}$`), "Is not a cursor of this feed."),
      v.transform(Number),
    ),
  ),
  limit: v.optional(limit, String(DEFAULT_LIMIT)),
});

type Parameters = v.InferOutput<typeof feedParameters>;

/** What a request for the feed asks for. */
export interface FeedRequest extends Pick<Parameters, "live" | "cursor" | "limit"> {
  events: EventsRequest;
  /** Undefined when nothing can ever match. */
  following: Following | undefined;
  /** Those of an event that are printed, besides its id. */
  fields: readonly string[];
  from: "beginning" | "now" | Position;
  /** Whether the request names its limit. */
  hasLimit: boolean;
  /** The offset as it was sent. */
  sent: string | undefined;
  /** Turns a place into an offset. */
  print: (position: Position) => Promise<string>;
  /** The same request, with what its reader may see by now. Throws 401 when it is nobody any more. */
  renew: () => Promise<FeedRequest>;
  /** The bindings, to wait for new entries. */
  env: Env;
  /** The id of the request, for the log. */
  requestId: string;
  /** Turns an entry into a message, in the format that was asked for. */
  printMessage: PrintMessage;
}

/** Reads a request. Throws 400 for parameters that the list refuses, too, and for an offset that is not of this feed. */
export async function readFeedRequest(c: Context<App>, format: Format = "json"): Promise<FeedRequest> {
  const events = await readRequest(c);
  const { params, knowsIds } = events;
  const { offset: sent, ...asked } = format === "list" ? ofList(params) : checked(reconnected(c, params));
  if (asked.live !== undefined && sent === undefined) throw badRequest({ offset: ["Is required with live."] });
  const fingerprint = await fingerprintOfFilter(events);
  const fields = chosenFields(params.getAll("field"), knowsIds && format === "list");
  const key = knowsIds ? undefined : await feedKey(events.reader);
  const from = await placeOf(sent, fingerprint, key);
  if (from === undefined) throw badRequest({ [format === "list" ? "after" : "offset"]: [NOT_OURS] });
  return {
    ...asked,
    events,
    following: followingOf(events),
    fields,
    from,
    hasLimit: params.has("limit"),
    sent,
    print: async (position) =>
      key === undefined ? printPlain(position, fingerprint) : await printSealed(position, fingerprint, key),
    renew: async () => {
      await c.get("renewActor")();
      return readFeedRequest(c, format);
    },
    env: c.env,
    requestId: c.get("requestId"),
    printMessage: messagePrinter(format, fields, key),
  };
}

/** An EventSource that comes back by itself asks for the URL that it had first, and says in a header how far it has come. */
function reconnected(c: Context<App>, params: URLSearchParams): URLSearchParams {
  const id = c.req.header("Last-Event-ID");
  if (!id || params.getAll("live").at(-1) !== "sse" || !params.has("offset")) return params;
  const later = new URLSearchParams(params);
  later.set("offset", id);
  return later;
}

/** The parameters by which the list shows the feed: `after`, and `page_size` as its pages have it. */
function ofList(params: URLSearchParams): Parameters {
  const { page_size: limit = "" } = v.parse(pageSizeOnly, {
    page_size: params.getAll("page_size").at(-1) || undefined,
  });
  return { offset: params.getAll("after").at(-1), limit: Number(limit) };
}

const pageSizeOnly = v.pick(pageParameters, ["page_size"]);

function checked(params: URLSearchParams): Parameters {
  const input = Object.keys(feedParameters.entries).flatMap((name) => {
    const value = params.getAll(name).at(-1);
    return value === undefined ? [] : [[name, value]];
  });
  const result = v.safeParse(feedParameters, Object.fromEntries(input), { abortPipeEarly: true });
  if (result.success) return result.output;
  throw badRequest(v.flatten(result.issues).nested);
}

/** Undefined for an offset that is not of this feed. */
async function placeOf(sent: string | undefined, fingerprint: string, key: string | undefined) {
  if (sent === undefined || sent === "-1") return "beginning";
  if (sent === "now") return "now";
  return key === undefined ? parsePlain(sent, fingerprint) : await parseSealed(sent, fingerprint, key);
}

const NOT_OURS = "Is not an offset of this feed, or was made for another filter.";

/**
 * Of what is asked for, not of what the reader may see: that may grow, when another object turns out to belong to the one of
 * `scope`, and the offset stays good.
 */
async function fingerprintOfFilter({ filter, params }: EventsRequest): Promise<string> {
  const { oldestFirst: _, ...asked } = filter;
  const scope = readScope(params);
  const named = Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1));
  return fingerprintOf(await sha256Hex(JSON.stringify([named, scope && [scope.type, scope.uuid]])));
}
