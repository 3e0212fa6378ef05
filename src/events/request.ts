import type { Context } from "hono";
import { database } from "../db/client.ts";
import { type Reader, textAt } from "../db/reader.ts";
import type { App } from "../env.ts";
import { etagOf, knownVersions, notModified, shortHash } from "../http/etag.ts";
import { jsonText } from "../http/json.ts";
import { assertModest } from "../http/query-limits.ts";
import { type EventFilter, readFilter } from "./filter.ts";
import { digestOf } from "./page-token.ts";
import { type EventQuery, eventQuery } from "./query.ts";
import { isWorthKeeping, keepTotal } from "./search/kept-totals.ts";
import type { SearchTotal } from "./search/page.ts";
import { typeNumbers } from "./type-numbers.ts";
import { type Version, versionStatement } from "./version.ts";
import { type Visibility, visibilityOf } from "./visibility.ts";

/** What a request asks of the events, for this actor. */
export interface Question {
  reader: Reader;
  params: URLSearchParams;
  filter: EventFilter;
  visibility: Visibility;
  /** Numbers of `filter.types`. */
  types: readonly number[] | undefined;
  query: EventQuery;
  /** Of the query: the same for every page of its list, and for everybody who sees the same. */
  digest: string;
  /** Of the URL, for ETags. */
  key: string;
  /**
   * Whether the actor sees a part of the log only. A feed's version tells of events beside that part, so the ETag is made of
   * the answer itself then: the same for all who see the same, and telling nothing else.
   */
  isPartial: boolean;
  /** Versions of the answer that the client has. */
  known: Version[];
}

/** The request's parameters; 400 for more than any client of ours sends. */
export const parameters = (c: Context<App>): URLSearchParams => assertModest(new URL(c.req.url).searchParams);

/** Reads the question; throws 400 for a filter that is not valid, or a scope that is not there. */
export async function ask(c: Context<App>, params = parameters(c), now = Date.now()): Promise<Question> {
  const reader = c.get("reader");
  const filter = readFilter(params);
  const asking = { actor: c.get("actor"), directory: c.get("directory"), reader, now };
  const visibility = await visibilityOf(asking, params, filter);
  const types = await typeNumbers(reader, filter.types);
  const query = eventQuery(visibility, filter, types);
  const digest = await digestOf(query);
  const key = await shortHash(c.req.url);
  const isPartial = visibility !== "everything" || filter.relatedUser !== undefined;
  return { reader, params, filter, visibility, types, query, digest, key, isPartial, known: knownVersions(c, key) };
}

/** 304 at the cost of a few rows, when the client has the answer already; undefined when it has to be worked out. */
export async function unchanged(
  c: Context<App>,
  { reader, query, key, known, isPartial }: Question,
): Promise<Response | undefined> {
  if (known.length === 0 || isPartial || query.kind === "nothing") return undefined;
  const [[row] = []] = await reader.read([versionStatement(query)]);
  const version = textAt(row, "version");
  return known.includes(version) ? notModified(c, etagOf(key, version)) : undefined;
}

/**
 * 200 with the ETag of this version of the answer, or 304 when the client has just that. `total`: how many events it is
 * about; of none, everybody is told the same.
 */
export async function answer(
  c: Context<App>,
  { key, known, isPartial }: Question,
  { version, total, text }: { version: Version; total: number; text: string },
  headers: Record<string, string> = {},
): Promise<Response> {
  const told = isPartial || total === 0 ? await shortHash(`${total} ${text}`) : version;
  const etag = etagOf(key, told);
  if (known.includes(told) || known.includes("*")) return notModified(c, etag);
  return jsonText(c, text, { ETag: etag, ...headers });
}

/** After the answer: a search total that was costly to count is kept for the next one. */
export function keepSearched(c: Context<App>, digest: string, searched: SearchTotal | undefined): void {
  if (searched && isWorthKeeping(searched)) c.executionCtx.waitUntil(keepTotal(database(c.env.DB), digest, searched));
}
