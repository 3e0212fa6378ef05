import type { Context, Hono } from "hono";
import { authenticate } from "../auth/authenticate.ts";
import { database } from "../db/client.ts";
import type { App } from "../env.ts";
import { notFound } from "../http/errors.ts";
import { jsonText } from "../http/json.ts";
import { mountResource } from "../http/resource.ts";
import { assertModest } from "./complexity.ts";
import { conditions } from "./conditions.ts";
import { type EventFilter, readFilter } from "./filter.ts";
import { linkHeader, pageCount, readPage, resolvePage } from "./pagination.ts";
import { countEvents, findEvent, listEvents } from "./queries.ts";
import { chosenFields, eventJson, eventsJson } from "./representation.ts";
import { parseUuid } from "./uuid.ts";
import { visibilityOf } from "./visibility.ts";

/** `/api/events/`, `count/` and one event. Mount after routes with a fixed name: `{id}` matches any segment. */
export function mountEvents(app: Hono<App>): void {
  mountResource(app, { path: "/api/events/", name: "Event List", authenticate, get: list });
  mountResource(app, { path: "/api/events/count/", name: "Event Count", authenticate, get: countAll });
  mountResource(app, { path: "/api/events/:id/", name: "Event Instance", authenticate, get: retrieve });
}

async function list(c: Context<App>): Promise<Response> {
  const params = parameters(c);
  const filter = readFilter(params);
  const where = await visibleAndAsked(c, params, filter);
  const page = readPage(params);
  const { total, rows } = await listEvents(database(c.env.DB), where, filter.oldestFirst, page);
  c.set("rows", rows.length);
  const link = linkHeader(c.req.url, resolvePage(page, total), pageCount(total, page.size));
  return jsonText(c, eventsJson(rows, fields(params)), { "X-Result-Count": String(total), Link: link });
}

async function countAll(c: Context<App>): Promise<Response> {
  const params = parameters(c);
  const where = await visibleAndAsked(c, params, readFilter(params));
  const total = await countEvents(database(c.env.DB), where);
  return jsonText(c, JSON.stringify({ count: total }), { "X-Result-Count": String(total) });
}

async function retrieve(c: Context<App>): Promise<Response> {
  const params = parameters(c);
  const where = await visibleAndAsked(c, params, readFilter(params));
  const event = await findEvent(database(c.env.DB), eventKey(c.req.param("id") ?? ""), where);
  if (event === undefined) throw notFound("No Event matches the given query.");
  c.set("rows", 1);
  return jsonText(c, eventJson(event, fields(params)));
}

const parameters = (c: Context<App>): URLSearchParams => assertModest(new URL(c.req.url).searchParams);

async function visibleAndAsked(c: Context<App>, params: URLSearchParams, filter: EventFilter, now = Date.now()) {
  const asking = { actor: c.get("actor"), directory: c.get("directory"), db: database(c.env.DB), now };
  return conditions(await visibilityOf(asking, params, filter), filter);
}

const fields = (params: URLSearchParams) => chosenFields(params.getAll("field"));

/** Waldur's integer id, or the uuid (which its list shows, while it never shows the id). */
function eventKey(segment: string): number | string {
  const uuid = parseUuid(segment);
  if (uuid !== undefined) return uuid;
  if (!/^[+-]?\d+$/.test(segment)) throw notFound();
  return Number(segment);
}
