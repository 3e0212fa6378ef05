import * as v from "valibot";
import { content, type Json, jsonSchema, pathParameter } from "../http/openapi.ts";
import { MAX_EVENTS, producedEvent } from "./event.ts";
import { FORMATS } from "./formats/choose.ts";

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

const producerParameter = pathParameter("producer");
const producerSecurity = [{ producer: [] }, { standardWebhooks: [] }, { github: [] }];
const headerParameters = Object.entries({
  "Idempotency-Key": "The id of the request. A request with the same id stores no event again.",
  "webhook-id": "The same, for Standard Webhooks.",
  "Content-Encoding": "gzip, or absent.",
}).map(([name, description]) => ({ name, in: "header", required: false, description, schema: { type: "string" } }));

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
    [400, "The body or an event is not valid; no event was accepted", "IngestErrors"],
    [401, "Unknown producer or wrong secret", "Detail"],
    [409, "An id is the id of another event; no event was accepted", "IngestConflicts"],
    [413, "The body is too large, as sent or inflated", "Detail"],
    [415, "Unknown content type or encoding", "Detail"],
    [429, "Too many messages wait to be stored; see Retry-After", "Detail"],
    [503, "No event was accepted; send the request again", "Detail"],
  ];
  return {
    post: {
      operationId,
      summary: "Send events",
      security,
      parameters: [...parameters, ...headerParameters],
      requestBody: { required: true, content: Object.fromEntries(bodies) },
      responses: {
        202: { description: "The events are durable and will be stored, each once", content: content("Accepted") },
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
    summary: "The state of an event",
    security: producerSecurity,
    parameters: [producerParameter, pathParameter("id", "A receipt of a 202, or the uuid of an event that was sent.")],
    responses: {
      200: { description: "Accepted, stored or dead", content: content("Receipt") },
      401: { description: "Unknown producer or wrong secret", content: content("Detail") },
      404: { description: "Unknown receipt or uuid", content: content("Detail") },
    },
  },
};

/** Paths and schemas of the OpenAPI document for sending events. */
export const ingestPaths: Json = {
  "/ingest/{producer}": sending("ingest", [producerParameter], producerSecurity),
  "/ingest/{producer}/{secret}": sending("ingest_by_url", [producerParameter, pathParameter("secret")], []),
  "/ingest/{producer}/receipts/{id}": receipts,
};

/** The schemas that `ingestPaths` refers to. */
export const ingestSchemas: Json = {
  ProducedEvent: jsonSchema(producedEvent),
  Accepted: jsonSchema(accepted),
  IngestErrors: jsonSchema(eventErrors),
  IngestConflicts: jsonSchema(conflicts),
  Receipt: jsonSchema(receipt),
};
