import { describe, expect, it } from "vitest";
import { singleParameters } from "../src/events/schemas.ts";
import { request } from "./support/world.ts";

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; description?: string; schema: unknown }[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
}

const fetchDocument = async () => {
  const response = await request("/openapi.json");
  expect(response.status).toBe(200);
  return response.json<Document>();
};

const operations = (document: Document) => Object.values(document.paths).flatMap((path) => Object.values(path));

describe("GET /openapi.json", () => {
  it("is public and covers the six endpoints, HEAD and ingest", async () => {
    const document = await fetchDocument();
    expect(document.openapi).toBe("3.1.0");
    expect(Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods).join()])).toEqual([
      ["/api/events/", "get,head"],
      ["/api/events/{id}/", "get,head"],
      ["/api/events/count/", "get,head"],
      ["/api/events/event_groups/", "get,head"],
      ["/api/events/scope_types/", "get,head"],
      ["/api/events-stats/", "get,head"],
      ["/ingest/{producer}", "post"],
      ["/ingest/{producer}/{secret}", "post"],
      ["/ingest/{producer}/receipts/{id}", "get"],
    ]);
  });

  it("names every parameter that is validated, with a sentence", async () => {
    const document = await fetchDocument();
    const list = document.paths["/api/events/"]?.get?.parameters ?? [];
    const names = list.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        ...Object.keys(singleParameters.entries),
        "event_type",
        "feature",
        "scope",
        "page",
        "page_size",
        "field",
      ]),
    );
    for (const { description } of list) expect(description).toMatch(/\w/);
    expect(list.find(({ name }) => name === "message")?.schema).toEqual({ type: "string" });
    expect(list.find(({ name }) => name === "feature")?.schema).toMatchObject({
      type: "array",
      items: { type: "string" },
    });
  });

  it("says what the months of events-stats are, and which filters count there", async () => {
    const document = await fetchDocument();
    const stats = document.paths["/api/events-stats/"]?.get;
    expect(stats?.parameters.map(({ name }) => name)).toEqual([
      "related_user_uuid",
      "event_type",
      "feature",
      "scope",
      "page",
      "page_size",
    ]);
    for (const { description } of stats?.parameters ?? []) expect(description).toMatch(/\w/);
    expect(document.components.schemas.EventStats).toMatchObject({
      type: "array",
      items: { required: ["year", "month", "count"] },
    });
    expect(Object.keys(stats?.responses ?? {})).toEqual(["200", "400", "401", "404", "406", "429"]);
    expect(stats?.responses[200]).toMatchObject({ headers: { "X-Result-Count": {}, Link: {} } });
  });

  it("refers to schemas that exist, under names OpenAPI allows, with operation ids used once", async () => {
    const document = await fetchDocument();
    const names = Object.keys(document.components.schemas);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]*)"/g)].map(
      (match) => match[1],
    );
    expect(references.length).toBeGreaterThan(20);
    expect(names).toEqual(expect.arrayContaining(references));
    for (const name of names) expect(name).toMatch(/^[\w.-]+$/);
    const ids = operations(document).map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { responses } of operations(document)) expect(Object.keys(responses)).toContain("401");
  });

  it("describes what a producer must send and what comes out", async () => {
    const { schemas } = (await fetchDocument()).components;
    expect(schemas.ProducedEvent).toMatchObject({ required: ["event_type", "message"] });
    expect(schemas.Event).toMatchObject({ required: ["uuid", "created", "event_type", "message", "context"] });
  });
});
