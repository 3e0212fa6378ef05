import type { Hono } from "hono";
import { etag } from "hono/etag";
import type { App } from "./env.ts";
import { eventParameters, eventPaths, eventSchemas } from "./events/openapi.ts";
import { feedParameterParts, feedPaths, feedSchemas } from "./feed/openapi.ts";
import { detail, type Json, jsonSchema, responseHeaders } from "./http/openapi.ts";
import { readingResponses } from "./http/openapi-refusals.ts";
import { ingestPaths, ingestSchemas } from "./ingest/openapi.ts";
import { operationsPaths } from "./operations/openapi.ts";

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
  return {
    openapi: "3.1.0",
    info: {
      title: "Events",
      version: "1.0.0",
      summary: "Waldur-compatible events API.",
      description:
        "Reads the events of a Waldur, with the paths, parameters and names of Waldur's own API, and takes new ones from web hooks. Paths below `/api/` end with a slash: without it, the response is 301. Parameters that are not known are ignored.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server that this document comes from." }],
    tags,
    security: [{ token: [] }],
    paths: { ...eventPaths, ...feedPaths, ...ingestPaths, ...operationsPaths },
    components: {
      schemas: { Uuid: uuid, ...eventSchemas, ...feedSchemas, ...ingestSchemas, Detail: jsonSchema(detail) },
      parameters: { ...eventParameters, ...feedParameterParts },
      headers: responseHeaders,
      responses: readingResponses,
      securitySchemes,
    },
  };
}

const tags = [
  { name: "events", description: "Reading events." },
  { name: "events-stats", description: "Events by month." },
  { name: "ingest", description: "Sending events, and asking what became of them." },
  { name: "operations", description: "How the server is." },
];

const uuid = {
  description: "A UUID. The server prints 32 hex digits and reads them with or without dashes.",
  anyOf: [
    { type: "string", format: "uuid" },
    { type: "string", pattern: "^[0-9a-f]{32}$" },
  ],
};

const securitySchemes = {
  token: { type: "apiKey", in: "header", name: "Authorization", description: "`Token K`, `Bearer K` or the bare `K`." },
  producer: { type: "http", scheme: "bearer", description: "A secret of the producer." },
  metricsToken: { type: "http", scheme: "bearer", description: "The secret METRICS_TOKEN." },
  standardWebhooks: {
    type: "apiKey",
    in: "header",
    name: "webhook-signature",
    description: "Standard Webhooks, with webhook-id and webhook-timestamp.",
  },
  github: { type: "apiKey", in: "header", name: "X-Hub-Signature-256", description: "HMAC-SHA-256 of the body." },
};
