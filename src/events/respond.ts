import type { Context } from "hono";
import { textAt } from "../db/reader.ts";
import type { App } from "../env.ts";
import { etagOf, notModified, shortHash } from "../http/etag.ts";
import { jsonText, type LongJson } from "../http/json.ts";
import { publicUrl } from "../http/public-url.ts";
import { upToDate } from "../http/session.ts";
import { type Links, linkHeader } from "./pagination.ts";
import type { EventsRequest } from "./request.ts";
import { isBehind, isVersion, type Version, versionStatement } from "./version.ts";

/** The result of a read, before it becomes a response. */
export interface Result {
  version: Version;
  /** JSON. */
  body: string | LongJson;
  /** Stands for the body in an ETag: equal for equal bodies only. Absent where the body itself does. */
  identity?: string;
  /** The value of X-Result-Count; absent where the header is. */
  count?: number;
  /** Events in the body, for the audit line. */
  events?: number;
  links?: Links;
  /** Whether the count includes every event; absent where it always does. */
  isExact?: boolean | undefined;
  /** Whether a page token names an event that the data does not have. */
  isBehind?: boolean;
}

/**
 * Works out the result of a read. `known` are the versions that the client has: when the version is among them, the rest
 * of the result is not used and need not be read.
 */
export type Work = (known: readonly Version[]) => Promise<Result>;

/** A request, and how its result is worked out. `readsVersion`: the work reads the version in its own round trip. */
export interface Reading {
  request: EventsRequest;
  work: Work;
  readsVersion?: boolean;
}

/**
 * The response to a read: 304 when the client has this version of it, else 200 with ETag, count and links. `ask` may run
 * twice, for newer data (http/session.ts).
 */
export async function respond(c: Context<App>, ask: () => Promise<Reading>): Promise<Response> {
  const { request, shown, result } = await upToDate(c, async () => answerTo(await ask()));
  const { key, ifNoneMatch } = request;
  if (result === undefined) return notModified(c, etagOf(key, shown));
  const { body, count, events, links, isExact = true } = result;
  c.set("rows", events ?? 0);
  if (ifNoneMatch.includes(shown) || ifNoneMatch.includes("*")) return notModified(c, etagOf(key, shown));
  if (links) c.header("Link", linkHeader(publicUrl(c), links));
  if (count !== undefined) c.header("X-Result-Count", String(count));
  if (!isExact) c.header("X-Result-Count-Exact", "false");
  return jsonText(c, body, { ETag: etagOf(key, shown) });
}

interface Answer {
  request: EventsRequest;
  /** What the ETag says: the version, or a hash of the result. */
  shown: string;
  /** Absent when the client has this version. */
  result?: Result;
  /** Whether the client may have seen newer data. */
  isBehind: boolean;
}

/** The version is read before the work, at the cost of a few rows, unless the work reads it. */
async function answerTo({ request, work, readsVersion = false }: Reading): Promise<Answer> {
  const { isPartial, ifNoneMatch } = request;
  const current = readsVersion ? undefined : await knownVersion(request);
  if (current !== undefined) return { request, shown: current, isBehind: false };
  const result = await work(isPartial ? [] : ifNoneMatch.filter(isVersion));
  const { version, body, identity = String(body), count, isExact = true } = result;
  // Without events the response is the same for everybody, and so is its ETag.
  const shown = isPartial || count === 0 || !isExact ? await shortHash(`${count ?? 1} ${identity}`) : version;
  const isOlder = (tag: string) => tag !== "*" && tag !== shown && isBehind(isPartial ? shown : version, tag);
  return { request, shown, result, isBehind: result.isBehind === true || ifNoneMatch.some(isOlder) };
}

/**
 * The current version, if the client has it; undefined when the result has to be worked out. That is so for tags that are
 * no version: for them, a look-up of the version would only add to the rows of a 304.
 */
async function knownVersion({ reader, query, ifNoneMatch, isPartial }: EventsRequest): Promise<Version | undefined> {
  if (!ifNoneMatch.some(isVersion) || isPartial || query.kind === "nothing") return undefined;
  const [[row] = []] = await reader.read([versionStatement(query)]);
  const version = textAt(row, "version");
  return ifNoneMatch.includes(version) ? version : undefined;
}
