import { describe, expect, it } from "vitest";
import { singleParameters } from "../src/events/schemas.ts";
import { request } from "./support/world.ts";

interface Part {
  $ref?: string;
}
interface Parameter {
  name: string;
  in: string;
  description?: string;
  schema: Record<string, unknown>;
}
interface Response extends Part {
  headers?: Record<string, Part>;
  content?: Record<string, { schema: Record<string, unknown>; example?: unknown }>;
}
interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  parameters: Part[];
  requestBody?: { content: Record<string, Record<string, unknown>> };
  responses: Record<string, Response>;
}
interface Document {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Record<string, unknown>>;
    parameters: Record<string, Parameter>;
    headers: Record<string, { description: string; example: unknown }>;
    responses: Record<string, Response>;
  };
}

const fetchDocument = async () => {
  const response = await request("/openapi.json");
  expect(response.status).toBe(200);
  return response.json<Document>();
};

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  );

const named = (document: Document, id: string) => operationsOf(document).find(({ operationId }) => operationId === id);

/** The part itself, where it is a reference. */
const resolved = <T>(kind: Record<string, T>, part: Part): T => kind[part.$ref?.split("/").at(-1) ?? ""] ?? (part as T);

/** The schemas of an operation's parameters, by name. */
function parametersOf(document: Document, id: string): Record<string, Record<string, unknown>> {
  const parameters = named(document, id)?.parameters ?? [];
  const all = parameters.map((part) => resolved(document.components.parameters, part));
  return Object.fromEntries(all.map(({ name, schema }) => [name, schema]));
}

/** Waldur's clients are generated from names like these: `events_list.py`, `eventsList`. */
const NAMES = [
  ["get", "/api/events/", "events_list", { type: "array", items: { $ref: "#/components/schemas/Event" } }],
  ["head", "/api/events/", "events_count", undefined],
  ["get", "/api/events/{id}/", "events_retrieve", { $ref: "#/components/schemas/Event" }],
  ["get", "/api/events/count/", "events_count_retrieve", { $ref: "#/components/schemas/EventCount" }],
  ["head", "/api/events/count/", "events_count_count", undefined],
  [
    "get",
    "/api/events/event_groups/",
    "events_event_groups_retrieve",
    { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
  ],
  ["head", "/api/events/event_groups/", "events_event_groups_count", undefined],
  ["get", "/api/events/scope_types/", "events_scope_types_retrieve", { type: "array", items: { type: "string" } }],
  ["head", "/api/events/scope_types/", "events_scope_types_count", undefined],
  [
    "get",
    "/api/events-stats/",
    "events_stats_list",
    { type: "array", items: { $ref: "#/components/schemas/EventStats" } },
  ],
  ["head", "/api/events-stats/", "events_stats_count", undefined],
] as const;

const UUID = { $ref: "#/components/schemas/Uuid" };

/** The types that Waldur's clients have for parameters, and ours where we take more. */
const TYPES = [
  ["created_from", { type: "number" }],
  ["created_to", { type: "number" }],
  ["message", { type: "string" }],
  ["customer_uuid", UUID],
  ["project_uuid", UUID],
  ["user_uuid", UUID],
  ["related_user_uuid", UUID],
  ["event_type", { type: "array", items: { type: "string" } }],
  ["feature", { type: "array", items: { type: "string" } }],
  ["field", { type: "array", items: { $ref: "#/components/schemas/EventFieldEnum" } }],
  ["o", { type: "array", items: { type: "string", enum: ["created", "-created"] } }],
  ["page", { anyOf: [{ type: "integer" }, { type: "string" }] }],
  ["page_size", { type: "integer" }],
  ["scope", { type: "string" }],
] as const;

describe("GET /openapi.json", () => {
  it("is public and covers the six endpoints, the feed, HEAD, ingest and operations", async () => {
    const document = await fetchDocument();
    expect(document.openapi).toBe("3.1.0");
    expect(Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods).join()])).toEqual([
      ["/api/events/", "get,head"],
      ["/api/events/{id}/", "get,head"],
      ["/api/events/count/", "get,head"],
      ["/api/events/event_groups/", "get,head"],
      ["/api/events/scope_types/", "get,head"],
      ["/api/events-stats/", "get,head"],
      ["/api/events/feed/", "get,head"],
      ["/api/events/feed/status/", "get,head"],
      ["/ingest/{producer}", "post"],
      ["/ingest/{producer}/{secret}", "post"],
      ["/ingest/{producer}/receipts/{id}", "get,head"],
      ["/metrics", "get,head"],
      ["/readyz", "get,head"],
    ]);
    expect(document.info.license).toEqual({ name: "MIT", identifier: "MIT" });
    expect(document.servers.length).toBeGreaterThan(0);
  });

  it.each(NAMES)("%s %s is %s, with Waldur's model", async (method, path, id, schema) => {
    const operation = (await fetchDocument()).paths[path]?.[method];
    expect(operation?.operationId).toBe(id);
    const content = operation?.responses[200]?.content?.["application/json"];
    if (schema === undefined) expect(operation?.responses[200]).not.toHaveProperty("content");
    else expect(content?.schema).toEqual(schema);
  });

  it.each(TYPES)("the list has the parameter %s as Waldur's clients type it", async (name, schema) => {
    expect(parametersOf(await fetchDocument(), "events_list")[name]).toMatchObject(schema);
  });

  it("names every parameter that is validated, with a sentence", async () => {
    const { components } = await fetchDocument();
    expect(Object.keys(components.parameters)).toEqual(expect.arrayContaining(Object.keys(singleParameters.entries)));
    for (const { description } of Object.values(components.parameters)) expect(description).toMatch(/\w/);
  });

  it("takes an integer or a uuid for one event, and prints whatever fields were asked for", async () => {
    const document = await fetchDocument();
    expect(parametersOf(document, "events_retrieve").id).toEqual({ anyOf: [{ type: "integer" }, UUID] });
    const { Event, EventFieldEnum, Uuid } = document.components.schemas;
    expect(Event).toMatchObject({
      required: [],
      properties: { id: { type: "integer" }, uuid: UUID, created: { format: "date-time" } },
    });
    expect(EventFieldEnum).toMatchObject({ enum: ["id", "uuid", "created", "event_type", "message", "context"] });
    expect(Uuid).toMatchObject({ anyOf: [{ format: "uuid" }, { pattern: "^[0-9a-f]{32}$" }] });
  });

  it("filters events-stats by type, group, scope and user only", async () => {
    const names = Object.keys(parametersOf(await fetchDocument(), "events_stats_list"));
    expect(names.slice(0, 6)).toEqual(["related_user_uuid", "event_type", "feature", "scope", "page", "page_size"]);
  });

  it.each([
    "events_list",
    "events_retrieve",
    "events_count_retrieve",
    "events_scope_types_count",
    "events_stats_count",
  ])("has the responses of %s, with the headers that are sent and read", async (id) => {
    const document = await fetchDocument();
    const { responses } = named(document, id) ?? {};
    const forbidden = id.startsWith("events_stats") ? [] : ["403"];
    const statuses = ["200", "304", "400", "401", ...forbidden, "404", "405", "406", "429", "503"];
    expect(Object.keys(responses ?? {})).toEqual(statuses);
    const headers = (status: number) =>
      Object.keys(resolved(document.components.responses, responses?.[status] ?? {}).headers ?? {});
    expect(headers(200)).toEqual(expect.arrayContaining(["ETag", "Server-Timing", "X-D1-Bookmark"]));
    expect(headers(304)).toContain("ETag");
    expect(headers(401)).toContain("WWW-Authenticate");
    expect(headers(429)).toEqual(
      expect.arrayContaining(["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]),
    );
    expect(headers(503)).toContain("Retry-After");
    expect(Object.keys(parametersOf(document, id))).toEqual(
      expect.arrayContaining(["If-None-Match", "X-D1-Bookmark", "X-Impersonated-User-Uuid"]),
    );
  });

  it("has no content for HEAD, 204 and 304", async () => {
    const document = await fetchDocument();
    for (const { method, operationId, responses } of operationsOf(document)) {
      for (const [status, part] of Object.entries(responses)) {
        const { content } = resolved(document.components.responses, part);
        expect(content === undefined, `${operationId} ${status}`).toBe(
          method === "head" || ["204", "304"].includes(status),
        );
      }
    }
  });

  it("has a tag, sentences and examples for each operation, and an operation id that is used once", async () => {
    const document = await fetchDocument();
    const tags = document.tags.map(({ name }) => name);
    const ids = operationsOf(document).map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const {
      operationId,
      method,
      tags: [tag],
      summary,
      description,
      responses,
      requestBody,
    } of operationsOf(document)) {
      expect(tags, operationId).toContain(tag);
      expect(summary && description, operationId).toMatch(/\w/);
      const [success] = Object.values(responses);
      const contents = Object.values(success?.content ?? {});
      expect(contents.length > 0, operationId).toBe(method !== "head");
      for (const content of contents) expect(content, operationId).toHaveProperty("example");
      for (const body of Object.values(requestBody?.content ?? {})) {
        expect(Object.keys(body), operationId).toContainEqual(expect.stringMatching(/^examples?$/));
      }
    }
    for (const { description, example } of Object.values(document.components.headers)) {
      expect(description).toMatch(/\w/);
      expect(example).toBeDefined();
    }
  });

  it("refers to parts that exist, under names OpenAPI allows", async () => {
    const document = await fetchDocument();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]*)"/g)];
    expect(references.length).toBeGreaterThan(100);
    const components: Record<string, Record<string, unknown>> = document.components;
    for (const [, kind = "", name = ""] of references) expect(Object.keys(components[kind] ?? {})).toContain(name);
    for (const name of Object.values(components).flatMap(Object.keys)) expect(name).toMatch(/^[\w.-]+$/);
  });

  it("describes what a producer must send, whose context may be anything or absent", async () => {
    const { schemas } = (await fetchDocument()).components;
    expect(schemas.ProducedEvent).toMatchObject({
      required: ["event_type", "message"],
      properties: { uuid: UUID, created: { format: "date-time" } },
    });
    expect(Object(schemas.ProducedEvent?.properties).context).toEqual({ type: "object", additionalProperties: true });
    expect(schemas.EventForm).toMatchObject({ properties: { context: { type: "array" } } });
  });

  it("has every format of a body, and the headers of a CloudEvent in binary mode", async () => {
    const document = await fetchDocument();
    expect(Object.keys(named(document, "ingest")?.requestBody?.content ?? {})).toEqual([
      "application/json",
      "application/x-ndjson",
      "application/x-www-form-urlencoded",
      "application/cloudevents+json",
      "application/cloudevents-batch+json",
      "*/*",
    ]);
    expect(Object.keys(parametersOf(document, "ingest"))).toEqual(
      expect.arrayContaining(["ce-specversion", "ce-id", "ce-source", "ce-type", "webhook-id", "Idempotency-Key"]),
    );
  });
});
