import { sql } from "drizzle-orm";
import type { Context, Hono } from "hono";
import { authenticate } from "../auth/authenticate.ts";
import type { App } from "../env.ts";
import { notFound } from "../http/errors.ts";
import { etagOf, notModified } from "../http/etag.ts";
import { mountResource } from "../http/resource.ts";
import { parseUuid } from "../values/uuid.ts";
import { lets } from "./conditions.ts";
import { countEvents } from "./count.ts";
import { findRows, pageOf } from "./list/page.ts";
import { eventColumns, eventRow } from "./list/slice.ts";
import { fingerprintOf } from "./page-token.ts";
import { linkHeader, neighbour, pageOfArray, readPage } from "./pagination.ts";
import { chosenFields, eventJson, eventsJson } from "./representation.ts";
import { answer, ask, keepSearched, parameters, unchanged } from "./request.ts";
import { countMonths, statsParameters } from "./stats.ts";
import { events } from "./table.ts";

/** The events' URLs. Mount after routes with a fixed name below `/api/events/`: `{id}` matches any segment. */
export function mountEvents(app: Hono<App>): void {
  mountResource(app, { path: "/api/events/", name: "Event List", authenticate, get: list });
  mountResource(app, { path: "/api/events/count/", name: "Event Count", authenticate, get: count });
  mountResource(app, { path: "/api/events/:id/", name: "Event Instance", authenticate, get: retrieve });
  mountResource(app, {
    path: "/api/events-stats/",
    name: "Event Stats List",
    authenticate,
    get: stats,
    anybodyMayTry: true,
  });
}

async function list(c: Context<App>): Promise<Response> {
  const question = await ask(c);
  const { reader, query, params, digest, known, isPartial } = question;
  const fingerprint = fingerprintOf(digest);
  const request = readPage(params, fingerprint);
  // The first page of a feed is asked for together with its version, in one round trip.
  const isFirst = request.number === 1 && request.position === undefined && query.kind === "feed" && !isPartial;
  const same = isFirst ? undefined : await unchanged(c, question);
  if (same) return same;
  const found = await findRows(reader, query, digest, request, isFirst ? known : []);
  if (isFirst && known.includes(found.version)) return notModified(c, etagOf(question.key, found.version));
  const page = pageOf(request, found);
  keepSearched(c, digest, found.searched);
  c.set("rows", page.rows.length);
  const tokens = c.env.PAGE_TOKENS === "off" ? undefined : fingerprint;
  const links = {
    pages: page.pages,
    next: neighbour(page.number + 1, page.next, tokens),
    previous: neighbour(page.number - 1, page.previous, tokens),
  };
  const text = eventsJson(page.rows, chosenFields(params.getAll("field")));
  return answer(
    c,
    question,
    { ...found, text },
    {
      "X-Result-Count": String(found.total),
      Link: linkHeader(c.req.url, links),
    },
  );
}

async function count(c: Context<App>): Promise<Response> {
  const question = await ask(c);
  const same = await unchanged(c, question);
  if (same) return same;
  const { total, version, searched } = await countEvents(question.reader, question.query, question.digest);
  keepSearched(c, question.digest, searched);
  return answer(
    c,
    question,
    { version, total, text: JSON.stringify({ count: total }) },
    { "X-Result-Count": String(total) },
  );
}

async function retrieve(c: Context<App>): Promise<Response> {
  const question = await ask(c);
  const { reader, visibility, filter, types, params } = question;
  const key = eventKey(c.req.param("id") ?? "");
  const same = typeof key === "number" ? sql`${events.id} = ${key}` : sql`${events.uuid} = ${key}`;
  const where = sql`${same} AND ${lets(visibility, filter, types)}`;
  const [[row] = []] = await reader.read([sql`SELECT ${eventColumns} FROM ${events} WHERE ${where}`]);
  if (row === undefined) throw notFound("No Event matches the given query.");
  const event = eventRow(row);
  c.set("rows", 1);
  const text = eventJson(event, chosenFields(params.getAll("field")));
  return answer(c, question, { version: `${event.id}.${event.uuid}`, total: 1, text });
}

async function stats(c: Context<App>): Promise<Response> {
  const params = parameters(c);
  const question = await ask(c, statsParameters(params));
  const request = readPage(params, "");
  const same = await unchanged(c, question);
  if (same) return same;
  const { months, version } = await countMonths(question.reader, question.query);
  const { page, links } = pageOfArray(months, request);
  return answer(
    c,
    question,
    { version, total: months.length, text: JSON.stringify(page) },
    {
      "X-Result-Count": String(months.length),
      Link: linkHeader(c.req.url, links),
    },
  );
}

/** Waldur's integer id, or the uuid (which its list shows, while it never shows the id). */
function eventKey(segment: string): number | string {
  const uuid = parseUuid(segment);
  if (uuid !== undefined) return uuid;
  if (!/^[+-]?\d+$/.test(segment)) throw notFound();
  return Number(segment);
}
