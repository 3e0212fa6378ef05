import {
  type Answer,
  COMMON,
  detailAnswer,
  type HeaderName,
  headerParameter,
  type Json,
  pathParameter,
  RATE_LIMIT,
  ref,
  response,
  withoutContent,
} from "../http/openapi.ts";
import { MAX_EVENTS } from "./event.ts";
import { FORMATS } from "./formats/choose.ts";

export { ingestSchemas } from "./openapi-schemas.ts";

const UUID = "c7e2f1a09b5d4c3e8f6a7b8c9d0e1f2a";
const RECEIPT = `${UUID}..hoh4u2hqci.hoh4u2hqci.d9355104f3feeebfa385834a0dff9d41`;
const EVENT = {
  event_type: "user_activated",
  message: "User Ada has been activated.",
  context: { user_username: "ada" },
};
const CLOUD_EVENT = { specversion: "1.0", id: "1", source: "/crm", type: "user_activated", data: EVENT.context };

const producerParameter = pathParameter("producer", "The name of the producer.", "local");
const secretParameter = pathParameter("secret", "A secret of the producer.", "ChRQlDpO-example");
const idParameter = pathParameter("id", "A receipt of a 202, or the uuid of an event that was sent.", RECEIPT);
const producerSecurity = [{ producer: [] }, { standardWebhooks: [] }, { github: [] }];
const timestampParameter = headerParameter(
  "webhook-timestamp",
  "With a Standard Webhooks signature: seconds since 1970.",
);
const headerParameters = [
  ...Object.entries({
    "Idempotency-Key": "The id of the request. A request with the same id stores no event again.",
    "webhook-id": "The same, for Standard Webhooks.",
    "Content-Encoding": "gzip, or absent.",
    "ce-specversion": "`1.0` makes the request a CloudEvent in binary mode: the body is its data, of any content type.",
    "ce-id": "The id of a CloudEvent in binary mode; required there.",
    "ce-source": "Its source; required there.",
    "ce-type": "Its type; required there.",
    "ce-subject": "Its subject.",
    "ce-time": "Its time.",
  }).map(([name, description]) => headerParameter(name, description)),
  timestampParameter,
];

const event = ref("schemas", "ProducedEvent");
const cloudEvent = ref("schemas", "CloudEvent");
const listOf = (items: Json): Json => ({ type: "array", items, maxItems: MAX_EVENTS });
const BODIES: Readonly<Record<string, Json>> = {
  "application/json": {
    schema: { anyOf: [event, listOf(event), ref("schemas", "StandardWebhook"), ref("schemas", "CloudEventData")] },
    examples: {
      event: { summary: "One event", value: EVENT },
      events: { summary: "Several events", value: [EVENT, { event_type: "crm_deal_won", message: "Deal 7 is won." }] },
      standardWebhook: {
        summary: "A message of Standard Webhooks",
        value: { type: "user.activated", timestamp: "2026-11-25T12:00:00Z", data: { message: "Ada is active." } },
      },
      data: { summary: "The data of a CloudEvent in binary mode", value: { message: "Ada is active." } },
    },
  },
  "application/x-ndjson": { schema: { type: "string" }, example: `${JSON.stringify(EVENT)}\n` },
  "application/x-www-form-urlencoded": {
    schema: ref("schemas", "EventForm"),
    encoding: { context: { style: "form", explode: true } },
    example: { event_type: EVENT.event_type, message: EVENT.message, context: ["user_username"] },
  },
  "application/cloudevents+json": { schema: cloudEvent, example: CLOUD_EVENT },
  "application/cloudevents-batch+json": { schema: listOf(cloudEvent), example: [CLOUD_EVENT] },
  "*/*": {
    schema: { type: "string", description: "The data of a CloudEvent in binary mode, of any content type." },
    example: "Ada is active.",
  },
};

const json = (description: string, headers: readonly HeaderName[], name: string, example: unknown): Answer => ({
  description,
  headers: [...COMMON, ...headers],
  schema: ref("schemas", name),
  example,
});
const notAuthenticated = detailAnswer(
  "Unknown producer or wrong secret, or a signature that is too old.",
  [...COMMON, "WWW-Authenticate"],
  "Unknown producer or wrong secret.",
);
const tooMany = detailAnswer(
  "Too many requests or failures, a rate or quota of the producer, or too many messages that wait to be stored.",
  [...COMMON, ...RATE_LIMIT],
  "This producer may send 100 events a minute. Try again in 12 s.",
);
const unavailable = detailAnswer(
  "No event was accepted; send the request again.",
  [...COMMON, "Retry-After"],
  "The events could not be stored; send them again.",
);
const notAllowed = (allow: string, detail: string) =>
  detailAnswer(`Another method than ${allow}.`, [...COMMON, "Allow"], detail);

const sendingAnswers: Readonly<Record<number, Answer>> = {
  202: json("The events are durable and will be stored, each once.", [], "Accepted", {
    accepted: 1,
    uuids: [UUID],
    receipts: [RECEIPT],
  }),
  400: json("The body or an event is not valid; no event was accepted.", [], "InvalidEvents", {
    detail: "1 of 1 events are not valid; none was accepted.",
    errors: [{ index: 0, field: "message", message: "Is required." }],
  }),
  401: notAuthenticated,
  403: json("A rule of the producer forbids an event; no event was accepted.", [], "RuleErrors", {
    detail: 'The rule "types" of this producer does not allow 1 of 1 events; none was accepted.',
    rule: "types",
    errors: [{ index: 0, field: "event_type", message: "Is not among the types that this producer may send." }],
  }),
  405: notAllowed("POST", "Events are sent by POST."),
  409: json("An id is the id of another event; no event was accepted.", [], "IngestConflicts", {
    detail: "1 of 1 events have an id that names an event with other content; none was accepted.",
    conflicts: [{ index: 0, uuid: UUID, content_stored: "0f".repeat(16), content_sent: "1e".repeat(16) }],
  }),
  413: json("The body is too large, as sent or inflated.", [], "TooLarge", {
    detail: "The body is larger than 1048576 bytes.",
    limit: 1_048_576,
  }),
  415: json("Unknown content type or encoding.", [], "Unsupported", {
    detail: "Content-Encoding must be one of: identity, gzip, x-gzip.",
    supported: ["identity", "gzip", "x-gzip"],
  }),
  429: tooMany,
  503: unavailable,
};

const receiptAnswers: Readonly<Record<number, Answer>> = {
  200: json("Accepted, stored, dead or discarded.", [], "Receipt", { status: "stored", uuid: UUID, id: 301 }),
  401: notAuthenticated,
  404: detailAnswer("Unknown receipt or uuid.", COMMON, "Not a receipt of this producer, and not a UUID."),
  405: notAllowed("GET and HEAD", "Receipts are read by GET."),
  429: tooMany,
  503: unavailable,
};

const mapAnswers = (answers: Readonly<Record<number, Answer>>, print: (answer: Answer) => Json): Json =>
  Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, print(answer)]));

const sending = (operationId: string, summary: string, parameters: Json[], security: Json[]): Json => ({
  post: {
    operationId,
    tags: ["ingest"],
    summary,
    description: "A request is accepted as a whole or not at all. An event without `context` has an empty one.",
    security,
    parameters: [...parameters, ...headerParameters],
    requestBody: {
      required: true,
      description: "One event, or several, in one of these formats.",
      content: Object.fromEntries([...Object.keys(FORMATS), "*/*"].map((type) => [type, BODIES[type] ?? {}])),
    },
    responses: mapAnswers(sendingAnswers, response),
  },
});

const receipt = (operationId: string, summary: string, print: (answer: Answer) => Json): Json => ({
  operationId,
  tags: ["ingest"],
  summary,
  description: "A receipt works at once; a uuid, once the event is stored or dead.",
  security: producerSecurity,
  parameters: [producerParameter, idParameter, timestampParameter],
  responses: mapAnswers(receiptAnswers, print),
});

/** Paths of the OpenAPI document for sending events. */
export const ingestPaths: Json = {
  "/ingest/{producer}": sending("ingest", "Send events", [producerParameter], producerSecurity),
  "/ingest/{producer}/{secret}": sending(
    "ingest_by_url",
    "Send events, with the secret in the URL",
    [producerParameter, secretParameter],
    [],
  ),
  "/ingest/{producer}/receipts/{id}": {
    get: receipt("ingest_receipt", "What became of an event", response),
    head: receipt("ingest_receipt_head", "What became of an event: the headers only", withoutContent),
  },
};
