import * as v from "valibot";
import { type Json, jsonSchema } from "../http/openapi.ts";
import { producedEvent } from "./event.ts";
import { cloudEventAttributes } from "./formats/cloudevents.ts";

const accepted = v.object({
  accepted: v.pipe(v.number(), v.integer()),
  uuids: v.array(v.string()),
  receipts: v.array(v.string()),
  warnings: v.optional(v.array(v.string())),
});
const receiptState = v.variant("status", [
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
  v.object({
    status: v.literal("discarded"),
    uuid: v.string(),
    reason: v.string(),
    detail: v.string(),
    discarded: v.string(),
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
  position: v.optional(v.pipe(v.number(), v.integer(), v.description("The character of the first error in JSON."))),
});
const ruleErrors = v.object({
  ...eventErrors.entries,
  rule: v.pipe(v.string(), v.description("The rule of the producer, such as `types`.")),
});
const tooLarge = v.object({ detail: v.string(), limit: v.pipe(v.number(), v.integer(), v.description("Bytes.")) });
const unsupported = v.object({ detail: v.string(), supported: v.array(v.string()) });

/** Of a CloudEvent in binary mode. The type of `event_type` keeps an event with a mistake from passing for data. */
const cloudEventData = {
  description: "The data of a CloudEvent in binary mode, whose attributes are the headers `ce-*`.",
  type: "object",
  properties: { event_type: { type: "null", description: "Not in data: with it, the body is an event." } },
  additionalProperties: true,
};
/** Without `event_type`, for the same reason. */
const standardWebhook = {
  description: "A message of Standard Webhooks.",
  type: "object",
  required: ["type", "timestamp", "data"],
  properties: {
    type: { type: "string", description: "Becomes `event_type`." },
    timestamp: { type: "string", format: "date-time", description: "Becomes `created`." },
    data: { description: "Becomes the context; its `message`, if it is text, becomes the message." },
    event_type: cloudEventData.properties.event_type,
  },
  additionalProperties: true,
};
const eventForm = v.object({
  ...v.omit(producedEvent, ["context"]).entries,
  context: v.optional(v.pipe(v.array(v.string()), v.description("The keys of the context; a form has no values."))),
});
const { properties, ...cloudEventRest } = jsonSchema(cloudEventAttributes);

/** The schemas that `ingestPaths` refers to. */
export const ingestSchemas: Json = {
  ProducedEvent: jsonSchema(producedEvent),
  EventForm: jsonSchema(eventForm),
  CloudEvent: {
    ...cloudEventRest,
    properties: {
      ...Object(properties),
      data: { description: "Any JSON." },
      data_base64: { type: "string", description: "In place of `data`: bytes in base64." },
    },
  },
  CloudEventData: cloudEventData,
  StandardWebhook: standardWebhook,
  Accepted: jsonSchema(accepted),
  InvalidEvents: jsonSchema(eventErrors),
  RuleErrors: jsonSchema(ruleErrors),
  IngestConflicts: jsonSchema(conflicts),
  TooLarge: jsonSchema(tooLarge),
  Unsupported: jsonSchema(unsupported),
  Receipt: jsonSchema(receiptState),
};
