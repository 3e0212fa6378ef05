import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import type { Hono } from "hono";
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
import { MAX_EVENTS, producedEvent } from "./ingest/event.ts";
import { FORMATS } from "./ingest/formats/choose.ts";

type Json = Record<string, unknown>;

/** `GET /openapi.json`: made on first request, from the schemas that validate. Public. */
export function mountOpenApi(app: Hono<App>): void {
  let text: string | undefined;
  app.get("/openapi.json", (c) => {
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
      "/ingest/{producer}": sending("ingest", [producerParameter], producerSecurity),
      "/ingest/{producer}/{secret}": sending("ingest_by_url", [producerParameter, pathParameter("secret")], []),
      "/ingest/{producer}/receipts/{id}": receipts,
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
const told = v.object({ detail: v.string() });
const accepted = v.object({
  accepted: v.pipe(v.number(), v.integer()),
  uuids: v.array(v.string()),
  receipts: v.array(v.string()),
  warnings: v.optional(v.array(v.string())),
});
const receipt = v.variant("status", [
  v.object({ status: v.literal("accepted"), uuid: v.string(), accepted: v.string() }),
  v.object({ status: v.literal("stored"), uuid: v.string(), id: v.pipe(v.number(), v.integer()) }),
  v.object({
    status: v.literal("dead"),
    uuid: v.string(),
    reason: v.string(),
    detail: v.string(),
    attempts: v.pipe(v.number(), v.integer()),
    last_seen: v.string(),
  }),
]);
const conflicts = v.object({
  detail: v.string(),
  conflicts: v.array(
    v.object({ index: v.number(), uuid: v.string(), content_stored: v.string(), content_sent: v.string() }),
  ),
});
const eventErrors = v.object({
  detail: v.string(),
  errors: v.optional(v.array(v.object({ index: v.number(), field: v.string(), message: v.string() }))),
});

const schemas: Json = {
  Event: jsonSchema(publicEvent),
  EventList: { type: "array", items: { $ref: "#/components/schemas/Event" } },
  Count: jsonSchema(count),
  EventStats: jsonSchema(v.array(monthCount)),
  EventGroups: jsonSchema(v.record(v.string(), v.array(v.string()))),
  ScopeTypes: jsonSchema(v.array(v.string())),
  ProducedEvent: jsonSchema(producedEvent),
  Accepted: jsonSchema(accepted),
  Detail: jsonSchema(told),
  FilterErrors: { anyOf: [jsonSchema(v.record(v.string(), v.array(v.string()))), jsonSchema(v.array(v.string()))] },
  IngestErrors: jsonSchema(eventErrors),
  IngestConflicts: jsonSchema(conflicts),
  Receipt: jsonSchema(receipt),
};

const MEANINGS: Readonly<Record<number, [description: string, schema: string]>> = {
  400: ["A parameter is not valid; all of them are named", "FilterErrors"],
  401: ["Who is asking is not known", "Detail"],
  404: ["There is no such page or event", "Detail"],
  406: ["The Accept header leaves JSON out", "Detail"],
  429: ["Too many requests; Retry-After tells when the next may come", "Detail"],
};

const content = (schema: string) => ({ "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } });

const pathParameter = (name: string, description = "") => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string" },
});
const idParameter = pathParameter("id", "The integer id, or the uuid with or without dashes.");
const producerParameter = pathParameter("producer");
const producerSecurity = [{ producer: [] }, { standardWebhooks: [] }, { github: [] }];
const headerParameters = Object.entries({
  "Idempotency-Key": "An id of the request for good: sent again, it stores nothing again.",
  "webhook-id": "The same, as Standard Webhooks call it.",
  "Content-Encoding": "gzip, or nothing.",
}).map(([name, description]) => ({ name, in: "header", required: false, description, schema: { type: "string" } }));

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

const event = { $ref: "#/components/schemas/ProducedEvent" };
const cloudEvent = { type: "object", required: ["specversion", "id", "source", "type"] };
const BODIES: Readonly<Record<string, Json>> = {
  "application/json": { anyOf: [event, { type: "array", items: event, maxItems: MAX_EVENTS }] },
  "application/x-www-form-urlencoded": event,
  "application/cloudevents+json": cloudEvent,
  "application/cloudevents-batch+json": { type: "array", items: cloudEvent, maxItems: MAX_EVENTS },
};

function sending(operationId: string, parameters: Json[], security: Json[]): Json {
  const bodies = Object.keys(FORMATS).map((type) => [type, { schema: BODIES[type] ?? { type: "string" } }]);
  const errors: [number, string, string][] = [
    [400, "The body or an event is not valid; nothing was accepted", "IngestErrors"],
    [401, "Unknown producer or wrong secret", "Detail"],
    [409, "An id names another event already; nothing was accepted", "IngestConflicts"],
    [413, "The body is too large, as sent or inflated", "Detail"],
    [415, "Nobody reads this content type or encoding", "Detail"],
    [429, "Too much waits to be stored; see Retry-After", "Detail"],
    [503, "Nothing was promised; send it again", "Detail"],
  ];
  return {
    post: {
      operationId,
      summary: "Send events",
      security,
      parameters: [...parameters, ...headerParameters],
      requestBody: { required: true, content: Object.fromEntries(bodies) },
      responses: {
        202: { description: "They are on disk", content: content("Accepted") },
        ...Object.fromEntries(
          errors.map(([status, description, schema]) => [status, { description, content: content(schema) }]),
        ),
      },
    },
  };
}

const receipts: Json = {
  get: {
    operationId: "ingest_receipt",
    summary: "What became of an event",
    security: producerSecurity,
    parameters: [producerParameter, pathParameter("id", "A receipt of a 202, or the uuid of an event that was sent.")],
    responses: {
      200: { description: "Accepted, stored or dead", content: content("Receipt") },
      401: { description: "Unknown producer or wrong secret", content: content("Detail") },
      404: { description: "Nobody knows it", content: content("Detail") },
    },
  },
};

function failure(status: number): Json {
  const [description, schema] = MEANINGS[status] ?? ["", "Detail"];
  return { description, content: content(schema) };
}

/** The entries of a schema as query parameters. Arrays are repeated (`explode`). */
function queryParameters(
  schema: v.ObjectSchema<v.ObjectEntries, undefined>,
  descriptions: Record<string, string> = {},
): Json[] {
  return Object.entries(schema.entries).map(([name, entry]) => {
    const { description, ...rest } = jsonSchema(entry);
    return { name, in: "query", required: false, description: descriptions[name] ?? description, schema: rest };
  });
}

/** What clients send is described, so transformations and checks that JSON Schema has no word for are left out. */
function jsonSchema(schema: v.GenericSchema): Json {
  const config: ConversionConfig = {
    typeMode: "input",
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? { type: "object" } : undefined),
  };
  const { $schema: _, ...rest } = toJsonSchema(schema, { ...config, target: "draft-2020-12" });
  return rest;
}
