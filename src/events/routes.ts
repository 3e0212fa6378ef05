import type { Context, Handler, Hono } from "hono";
import { authenticate } from "../auth/authenticate.ts";
import type { App } from "../env.ts";
import { mountResource } from "../http/resource.ts";
import { countEvents } from "./count.ts";
import { getEvent } from "./get.ts";
import { isReadWithVersion, listPage } from "./list/page.ts";
import { readPage } from "./pagination.ts";
import { fingerprintOf } from "./query.ts";
import { readRequest } from "./request.ts";
import { respond } from "./respond.ts";
import { monthsPage, statsParameters } from "./stats.ts";

/** The URLs of the events. `listAfter` serves the list where the query has `after`. Mount after routes with a fixed name below `/api/events/`: `{id}` matches any segment. */
export function mountEvents(app: Hono<App>, { listAfter }: { listAfter: Handler<App> }): void {
  const get: Handler<App> = (c, next) => (c.req.query("after") === undefined ? list(c) : listAfter(c, next));
  mountResource(app, { path: "/api/events/", name: "Event List", authenticate, get });
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

const list = (c: Context<App>): Promise<Response> =>
  respond(c, async () => {
    const request = await readRequest(c);
    const page = readPage(request.params, { ...request, fingerprint: fingerprintOf(request.digest) });
    const withTokens = c.env.PAGE_TOKENS !== "off";
    const work = (known: readonly string[]) => listPage(request, page, known, withTokens);
    return { request, work, readsVersion: isReadWithVersion(request.query, page) };
  });

const count = (c: Context<App>): Promise<Response> =>
  respond(c, async () => {
    const request = await readRequest(c);
    return { request, work: () => countEvents(request) };
  });

const retrieve = (c: Context<App>): Promise<Response> =>
  respond(c, async () => {
    const request = await readRequest(c);
    return { request, work: () => getEvent(request, c.req.param("id") ?? ""), readsVersion: true };
  });

const stats = (c: Context<App>): Promise<Response> =>
  respond(c, async () => {
    const request = await readRequest(c, statsParameters);
    const page = readPage(request.params, { ...request, fingerprint: "" });
    return { request, work: () => monthsPage(request, page) };
  });
