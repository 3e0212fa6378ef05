import type { Hono } from "hono";
import { etag } from "hono/etag";
import * as v from "valibot";
import type { App } from "./env.ts";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, pageParameters } from "./events/pagination.ts";
import {
  fieldParameters,
  publicEvent,
  repeatedParameters,
  scopeParameters,
  singleParameters,
} from "./events/schemas.ts";
import { STATS_FILTERS } from "./events/stats.ts";
import { content, type Json, jsonSchema, pathParameter, queryParameters } from "./http/openapi.ts";
import { ingestPaths, ingestSchemas } from "./ingest/openapi.ts";

/** `GET /openapi.json`: generated on the first request, from the schemas that validate. Public. */
export function mountOpenApi(app: Hono<App>): void {
  let text: string | undefined;
  app.get("/openapi.json", etag(), (c) => {
    text ??= JSON.stringify(openApiDocument());
    return c.body(text, 200, { "Content-Type": "application/json", "Cache-Control": "public, max-age=3600" });
  });
}

/** The OpenAPI 3.1 document. */
export function openApiDocument(): Json {
  const filters = [singleParameters, repeatedParameters, scopeParameters].flatMap((schema) => queryParameters(schema));
  const paging = queryParameters(pageParameters, {
    page: "From 1, or `last`.",
    page_size: `${DEFAULT_PAGE_SIZE} unless given, at most ${MAX_PAGE_SIZE}.`,
  });
  const fields = queryParameters(fieldParameters);
  return {
    openapi: "3.1.0",
    info: { title: "Events", version: "1.0.0", description: "Waldur-compatible events API." },
    security: [{ token: [] }],
    paths: {
      "/api/events/": reading(
        "events_list",
        "One page of events",
        "EventList",
        [...filters, ...paging, ...fields],
        [400, 404],
      ),
      "/api/events/{id}/": reading(
        "events_retrieve",
        "One event",
        "Event",
        [idParameter, ...filters, ...fields],
        [400, 404],
      ),
      "/api/events/count/": reading("events_count", "The number of events", "Count", filters, [400]),
      "/api/events/event_groups/": reading("events_event_groups", "Groups and their types", "EventGroups", [], []),
      "/api/events/scope_types/": reading("events_scope_types", "Types a scope may have", "ScopeTypes", [], []),
      "/api/events-stats/": reading(
        "events_stats",
        "Events by UTC month, newest first; months without any are left out",
        "EventStats",
        [...filters.filter(({ name }) => STATS_FILTERS.includes(String(name))), ...paging],
        [400, 404],
      ),
      ...ingestPaths,
    },
    components: { schemas, securitySchemes },
  };
}

const securitySchemes = {
  token: { type: "apiKey", in: "header", name: "Authorization", description: "`Token K`, `Bearer K` or the bare `K`." },
  producer: { type: "http", scheme: "bearer", description: "A secret of the producer." },
  standardWebhooks: {
    type: "apiKey",
    in: "header",
    name: "webhook-signature",
    description: "Standard Webhooks, with webhook-id and webhook-timestamp.",
  },
  github: { type: "apiKey", in: "header", name: "X-Hub-Signature-256", description: "HMAC-SHA-256 of the body." },
};

const count = v.object({ count: v.pipe(v.number(), v.integer()) });
const monthCount = v.object({
  year: v.pipe(v.number(), v.integer()),
  month: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(12)),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
const detail = v.object({ detail: v.string() });
const schemas: Json = {
  Event: jsonSchema(publicEvent),
  EventList: { type: "array", items: { $ref: "#/components/schemas/Event" } },
  Count: jsonSchema(count),
  EventStats: jsonSchema(v.array(monthCount)),
  EventGroups: jsonSchema(v.record(v.string(), v.array(v.string()))),
  ScopeTypes: jsonSchema(v.array(v.string())),
  Detail: jsonSchema(detail),
  FilterErrors: { anyOf: [jsonSchema(v.record(v.string(), v.array(v.string()))), jsonSchema(v.array(v.string()))] },
  ...ingestSchemas,
};

const MEANINGS: Readonly<Record<number, [description: string, schema: string]>> = {
  400: ["A parameter is not valid; all of them are named", "FilterErrors"],
  401: ["The user is not authenticated", "Detail"],
  404: ["The page or the event does not exist", "Detail"],
  406: ["The Accept header does not include JSON", "Detail"],
  429: ["Too many requests; try again after Retry-After seconds", "Detail"],
};

const idParameter = pathParameter("id", "The integer id, or the uuid with or without dashes.");
const isPaged = (schema: string): boolean => schema === "EventList" || schema === "EventStats";

function reading(operationId: string, summary: string, schema: string, parameters: Json[], errors: number[]): Json {
  const headers = {
    ...(schema === "Event" ? {} : { "X-Result-Count": { schema: { type: "integer" } } }),
    ...(isPaged(schema) ? { Link: { schema: { type: "string" }, description: "first, prev, next, last" } } : {}),
  };
  const failures = Object.fromEntries([...errors, 401, 406, 429].map((status) => [status, failure(status)]));
  const ok = { description: summary, headers, content: content(schema) };
  return {
    get: { operationId, summary, parameters, responses: { 200: ok, ...failures } },
    head: {
      operationId: `${operationId}_head`,
      summary: `${summary}: the headers only`,
      parameters,
      responses: { 200: { description: summary, headers }, ...failures },
    },
  };
}

function failure(status: number): Json {
  const [description, schema] = MEANINGS[status] ?? ["", "Detail"];
  return { description, content: content(schema) };
}
