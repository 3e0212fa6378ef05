import { filterParameters } from "../events/openapi.ts";
import {
  type Answer,
  type HeaderName,
  type Json,
  queryParameters,
  ref,
  response,
  withoutContent,
} from "../http/openapi.ts";
import { READING } from "../http/openapi-refusals.ts";
import { feedParameters } from "./request.ts";

const EVENT = {
  id: 301,
  uuid: "c7e2f1a09b5d4c3e8f6a7b8c9d0e1f2a",
  created: "2026-07-23T11:55:22.917636Z",
  event_type: "auth_logged_out",
  message: "User declan.marlowe (Declan Marlowe) signed out.",
  context: { user_uuid: "420a5487e6294237b73db0e20e1c04d1" },
};
const OFFSET = "0mwwiscpv.0000000008d.0.bb5bb1b3a774c41d06";
const uuid = ref("schemas", "Uuid");
const time = { type: "string", format: "date-time" };
const id = {
  description: "The number of the event in the log; for others than staff and support an opaque text.",
  anyOf: [{ type: "integer" }, { type: "string" }],
};

/** The schemas that `feedPaths` refers to. */
export const feedSchemas: Json = {
  FeedMessage: {
    description: "An event, or what happened to one. Apply it by `id`; without `op`, it is a new event.",
    anyOf: [
      {
        description: "An event; with `op`, it was there before and has another uuid now.",
        type: "object",
        required: ["id"],
        properties: { ...fieldsOf(), id, op: { type: "string", enum: ["identity"] } },
      },
      {
        description: "An event was deleted.",
        type: "object",
        required: ["op", "id", "uuid"],
        properties: { op: { type: "string", enum: ["removed"] }, id, uuid },
        additionalProperties: false,
      },
      {
        description:
          "Of all that came before, everything is gone that was created before `created_before`, or at this very time with an `id` of `id_from` or more.",
        type: "object",
        required: ["op", "created_before"],
        properties: { op: { type: "string", enum: ["removed"] }, created_before: time, id_from: { type: "integer" } },
        additionalProperties: false,
      },
    ],
  },
  FeedStatus: {
    description: "Up to when the feed is complete, and why not further.",
    type: "object",
    required: ["complete_through", "standing_still"],
    properties: {
      complete_through: { anyOf: [time, { type: "null" }] },
      standing_still: {
        anyOf: [
          { type: "null" },
          {
            type: "object",
            required: ["reason"],
            properties: { reason: { type: "string" }, since: time, producer: { type: "string" } },
          },
        ],
      },
    },
  },
};

function fieldsOf(): Json {
  return {
    uuid,
    created: time,
    event_type: { type: "string" },
    message: { type: "string" },
    context: { type: "object" },
  };
}

const own = queryParameters(feedParameters);
const download = {
  name: "download",
  in: "query",
  required: false,
  description: "With NDJSON and CSV: the response is a file to save, by its `Content-Disposition`.",
  schema: { type: "string" },
};

/** The parameters that `feedPaths` refers to. */
export const feedParameterParts: Json = Object.fromEntries(
  [...own, download].map((parameter) => [String(parameter.name), parameter]),
);

const FEED: readonly HeaderName[] = [
  ...READING,
  ...(["Stream-Next-Offset", "Stream-Up-To-Date", "Stream-Cursor", "Stream-Complete-Through"] as const),
];
const REFUSALS = {
  401: "NotAuthenticated",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  429: "TooManyRequests",
  503: "Unavailable",
};
const refused = (suffix: string): Json => ({
  400: ref("responses", `BadRequest${suffix}`),
  ...Object.fromEntries(Object.entries(REFUSALS).map(([status, name]) => [status, ref("responses", name + suffix)])),
});
const gone: Answer = {
  description: "The offset is no longer valid: events after it were deleted by retention, or the log was restored.",
  headers: READING,
  schema: {
    type: "object",
    required: ["detail", "offset"],
    properties: { detail: { type: "string" }, offset: { type: "string" } },
  },
  example: { detail: "Events after this offset were deleted by retention.", offset: "-1" },
};

const messages: Answer = {
  description: "Messages in the order in which they were stored.",
  headers: [...FEED, "ETag", "Content-Disposition"],
  schema: { type: "array", items: ref("schemas", "FeedMessage") },
  example: [EVENT, { op: "removed", id: 7, uuid: EVENT.uuid }],
};
const streamed = (description: string, example: string) => ({ schema: { type: "string", description }, example });

const shared = {
  tags: ["events"],
  description:
    "Everything that happens to the log, in the order in which it was stored: new events, events that took another uuid, and deletions. Speaks the read path of Durable Streams 1.0. The filters and what a user may see are those of the list.",
  security: [{ token: [] }],
  parameters: [...own, download, ...filterParameters].map(({ name }) => ref("parameters", String(name))),
};

const status = {
  tags: ["events"],
  description: "Every event that was answered with 202 before `complete_through` is in the feed, or is a dead letter.",
  security: [{ token: [] }],
};

const ok = response(messages);

export const feedPaths: Json = {
  "/api/events/feed/": {
    get: {
      operationId: "events_feed",
      summary: "Follow the log",
      ...shared,
      responses: {
        200: {
          ...ok,
          content: {
            ...(ok.content as Json),
            "application/x-ndjson": streamed(
              "A message a line, up to the end; the last line says where to go on.",
              `${JSON.stringify(EVENT)}\n`,
            ),
            "text/csv": streamed("The same as a table.", "op,id,uuid\r\n"),
            "text/event-stream": streamed(
              "With `live=sse`: events `data` and `control`.",
              `event: control\ndata: {"streamNextOffset":"${OFFSET}"}\n\n`,
            ),
          },
        },
        204: withoutContent({ description: "Nothing came while a long poll waited.", headers: FEED }),
        304: withoutContent({ description: "Nothing has changed since `If-None-Match`.", headers: [...FEED, "ETag"] }),
        410: response(gone),
        ...refused(""),
      },
    },
    head: {
      operationId: "events_feed_head",
      summary: "Where the feed ends",
      ...shared,
      responses: { 200: withoutContent({ description: "The headers of the end.", headers: FEED }), ...refused("Head") },
    },
  },
  "/api/events/feed/status/": {
    get: {
      operationId: "events_feed_status",
      summary: "Up to when the feed is complete",
      ...status,
      responses: {
        200: response({
          description: "The time, and why it stands still.",
          headers: READING,
          schema: ref("schemas", "FeedStatus"),
          example: { complete_through: "2026-11-25T12:00:00Z", standing_still: null },
        }),
        ...refused(""),
      },
    },
    head: {
      operationId: "events_feed_status_head",
      summary: "Up to when the feed is complete: the headers only",
      ...status,
      responses: { 200: withoutContent({ description: "The headers only.", headers: READING }), ...refused("Head") },
    },
  },
};
