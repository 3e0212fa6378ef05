import * as v from "valibot";
import {
  type HeaderName,
  headerParameter,
  type Json,
  jsonSchema,
  pathParameter,
  queryParameters,
  ref,
  response,
  withoutContent,
} from "../http/openapi.ts";
import { failures, READING } from "../http/openapi-refusals.ts";
import { pageParameters } from "./pagination.ts";
import {
  eventField,
  fieldParameters,
  publicEvent,
  repeatedParameters,
  scopeParameters,
  singleParameters,
} from "./schemas.ts";
import { STATS_FILTERS } from "./stats.ts";

const EVENT = {
  uuid: "c7e2f1a09b5d4c3e8f6a7b8c9d0e1f2a",
  created: "2026-07-23T11:55:22.917636Z",
  event_type: "auth_logged_in_with_username",
  message: "User declan.marlowe (Declan Marlowe) signed in with username and password.",
  context: { ip_address: "192.0.2.7", user_uuid: "420a5487e6294237b73db0e20e1c04d1", user_username: "declan.marlowe" },
};

const count = v.object({ count: v.pipe(v.number(), v.integer()) });
const monthCount = v.object({
  year: v.pipe(v.number(), v.integer()),
  month: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(12)),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
const texts = { type: "array", items: { type: "string" } };
const fieldErrors = { type: "object", additionalProperties: texts };

/** The schemas that `eventPaths` refers to, under Waldur's names where Waldur has them. */
export const eventSchemas: Json = {
  Event: jsonSchema(publicEvent),
  EventFieldEnum: jsonSchema(eventField),
  EventCount: jsonSchema(count),
  EventStats: { description: "The events of one month (UTC).", ...jsonSchema(monthCount) },
  FilterErrors: {
    description: "Messages by the name of the parameter; or messages only; or one sentence about a header.",
    anyOf: [ref("schemas", "Detail"), fieldErrors, texts],
  },
};

const filters = [singleParameters, repeatedParameters, scopeParameters].flatMap((schema) => queryParameters(schema));
const paging = queryParameters(pageParameters);
const fields = queryParameters(fieldParameters);

/** The parameters of the list besides its pages, for the feed. */
export const filterParameters: readonly Json[] = [...filters, ...fields];

const headers: Readonly<Record<string, Json>> = {
  IfNoneMatch: headerParameter("If-None-Match", "An `ETag` from before: 304 when nothing has changed since."),
  Bookmark: headerParameter("X-D1-Bookmark", "From an earlier response; for staff and support, ignored for others."),
  ImpersonatedUser: headerParameter(
    "X-Impersonated-User-Uuid",
    "Staff only: the request runs as this user. An unknown user is ignored.",
    ref("schemas", "Uuid"),
  ),
};

/** The parameters that `eventPaths` refers to. */
export const eventParameters: Json = {
  ...Object.fromEntries([...filters, ...paging, ...fields].map((parameter) => [String(parameter.name), parameter])),
  ...headers,
};

const idParameter = pathParameter("id", "The integer id, or the uuid, with or without dashes.", EVENT.uuid, {
  anyOf: [{ type: "integer" }, ref("schemas", "Uuid")],
});

interface Reading {
  /** operationId of GET and of HEAD. */
  ids: [get: string, head: string];
  tag?: string;
  summary: string;
  description: string;
  parameters?: readonly Json[];
  pathParameters?: readonly Json[];
  schema: Json;
  example: unknown;
  headers?: readonly HeaderName[];
}

function reading(path: Reading): Json {
  const { ids, tag = "events", summary, description, parameters = [], pathParameters = [], schema, example } = path;
  const referred = [...parameters.map(({ name }) => String(name)), ...Object.keys(headers)];
  const shared = {
    tags: [tag],
    description,
    security: [{ token: [] }],
    parameters: [...pathParameters, ...referred.map((name) => ref("parameters", name))],
  };
  const sent = [...READING, "ETag", ...(path.headers ?? [])] as const;
  const ok = { description: summary, headers: sent, schema, example };
  const unchanged = withoutContent({ description: "Nothing has changed since `If-None-Match`.", headers: sent });
  // Everybody may try any method on the statistics, as in Waldur.
  const statuses = Object.entries(failures).filter(([status]) => status !== "403" || tag === "events");
  const refused = (suffix: string) =>
    Object.fromEntries(statuses.map(([status, [name]]) => [status, ref("responses", `${name}${suffix}`)]));
  const [getId, headId] = ids;
  return {
    get: {
      operationId: getId,
      summary,
      ...shared,
      responses: { 200: response(ok), 304: unchanged, ...refused("") },
    },
    head: {
      operationId: headId,
      summary: `${summary}: the headers only`,
      ...shared,
      responses: { 200: withoutContent(ok), 304: unchanged, ...refused("Head") },
    },
  };
}

/** The paths that read, under the operation ids of Waldur. Waldur calls a HEAD `count`, for its X-Result-Count. */
export const eventPaths: Json = {
  "/api/events/": reading({
    ids: ["events_list", "events_count"],
    summary: "One page of events",
    description:
      "Newest first, unless `o=created` is given. Filters are joined by AND. Others than staff and support give a `scope` or `related_user_uuid`; without one, the list is empty.",
    parameters: [...filters, ...paging, ...fields],
    schema: { type: "array", items: ref("schemas", "Event") },
    example: [EVENT],
    headers: ["X-Result-Count", "X-Result-Count-Exact", "Link"],
  }),
  "/api/events/{id}/": reading({
    ids: ["events_retrieve", "events_retrieve_head"],
    summary: "One event",
    description: "Filters apply here, too: an event that they leave out is 404.",
    pathParameters: [idParameter],
    parameters: [...filters, ...fields],
    schema: ref("schemas", "Event"),
    example: EVENT,
  }),
  "/api/events/count/": reading({
    ids: ["events_count_retrieve", "events_count_count"],
    summary: "The number of events",
    description: "With the filters of the list.",
    parameters: filters,
    schema: ref("schemas", "EventCount"),
    example: { count: 300 },
    headers: ["X-Result-Count", "X-Result-Count-Exact"],
  }),
  "/api/events/event_groups/": reading({
    ids: ["events_event_groups_retrieve", "events_event_groups_count"],
    summary: "The groups of event types",
    description: "Each group is a value of `feature`.",
    schema: fieldErrors,
    example: { ssh: ["ssh_key_creation_succeeded", "ssh_key_deletion_succeeded"] },
    headers: ["X-Result-Count"],
  }),
  "/api/events/scope_types/": reading({
    ids: ["events_scope_types_retrieve", "events_scope_types_count"],
    summary: "The types of objects",
    description: "The objects that `scope` may name are of these types.",
    schema: texts,
    example: ["structure.customer", "structure.project"],
    headers: ["X-Result-Count"],
  }),
  "/api/events-stats/": reading({
    ids: ["events_stats_list", "events_stats_count"],
    tag: "events-stats",
    summary: "Events by month",
    description: "Months are those of UTC, newest first; months without events are left out.",
    parameters: [...filters.filter(({ name }) => STATS_FILTERS.includes(String(name))), ...paging],
    schema: { type: "array", items: ref("schemas", "EventStats") },
    example: [{ year: 2026, month: 7, count: 41 }],
    headers: ["X-Result-Count", "Link"],
  }),
};
