import type { Handler, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { authenticate } from "../auth/authenticate.ts";
import type { App } from "../env.ts";
import { jsonText } from "../http/json.ts";
import { mountResource } from "../http/resource.ts";
import { eventGroups, scopeTypeNames } from "./data.ts";

/** A day. Private, because the caller is authenticated. */
const CATALOGUE_CACHE = "private, max-age=86400";

/** Headers of a 304 in addition to those that hono/etag retains. */
const RETAINED = ["x-result-count", "content-language", "allow", "x-content-type-options"];

/** `event_groups/` and `scope_types/`: constant data, the same for every user. */
export function mountCatalogue(app: Hono<App>): void {
  mountData(app, "event_groups", "Event groups", eventGroups, Object.keys(eventGroups).length);
  mountData(app, "scope_types", "Scope types", scopeTypeNames, scopeTypeNames.length);
}

function mountData(app: Hono<App>, segment: string, name: string, data: unknown, count: number): void {
  const text = JSON.stringify(data);
  const get: Handler<App> = (c) =>
    jsonText(c, text, { "Cache-Control": CATALOGUE_CACHE, "X-Result-Count": String(count) });
  const path = `/api/events/${segment}/`;
  app.get(path, etag({ weak: true, retainedHeaders: [...RETAINED_304_HEADERS, ...RETAINED] }));
  mountResource(app, { path, name, authenticate, get });
}
