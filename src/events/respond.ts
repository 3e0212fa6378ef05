import type { Context } from "hono";
import { textAt } from "../db/reader.ts";
import type { App } from "../env.ts";
import { etagOf, notModified, shortHash } from "../http/etag.ts";
import { jsonText, type LongJson } from "../http/json.ts";
import { publicUrl } from "../http/public-url.ts";
import { type Links, linkHeader } from "./pagination.ts";
import type { EventsRequest } from "./request.ts";
import { isVersion, type Version, versionStatement } from "./version.ts";

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
}

/**
 * Works out the result of a read. `known` are the versions that the client has: when the version is among them, the rest
 * of the result is not used and need not be read.
 */
export type Work = (known: readonly Version[]) => Promise<Result>;

/**
 * The response to a read: 304 when the client has this version of it, else 200 with ETag, count and links. The version is
 * read before the work, at the cost of a few rows, unless the work reads it in its own round trip (`readsVersion`).
 */
export async function respond(
  c: Context<App>,
  request: EventsRequest,
  work: Work,
  { readsVersion = false } = {},
): Promise<Response> {
  const { key, isPartial, ifNoneMatch } = request;
  const current = readsVersion ? undefined : await knownVersion(request);
  if (current !== undefined) return notModified(c, etagOf(key, current));
  const {
    version,
    body,
    identity = String(body),
    count,
    events,
    links,
    isExact = true,
  } = await work(isPartial ? [] : ifNoneMatch.filter(isVersion));
  // Without events the response is the same for everybody, and so is its ETag.
  const shown = isPartial || count === 0 || !isExact ? await shortHash(`${count ?? 1} ${identity}`) : version;
  c.set("rows", events ?? 0);
  if (ifNoneMatch.includes(shown) || ifNoneMatch.includes("*")) return notModified(c, etagOf(key, shown));
  if (links) c.header("Link", linkHeader(publicUrl(c), links));
  if (count !== undefined) c.header("X-Result-Count", String(count));
  if (!isExact) c.header("X-Result-Count-Exact", "false");
  return jsonText(c, body, { ETag: etagOf(key, shown) });
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
