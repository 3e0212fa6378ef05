import { dashed, hex } from "../support/world.ts";

/** What a function does with the response; it throws for anything else. */
type Reads = "events" | "event" | "count" | "groups" | "types" | "months" | "result count";

/** A request of Waldur's official clients, as their sources say (py-client 8.1.2, js-client 8.1.3). */
export interface ClientRequest {
  client: "python" | "typescript";
  /** The function's name in the client. */
  name: string;
  method: "GET" | "HEAD";
  /** With the query string, as the client encodes it. */
  path: string;
  reads: Reads;
  /** For `events` and `event`: the fields that were asked for. */
  fields?: readonly string[];
}

export const CUSTOMER = hex("customer");
export const USER = hex("user");
const FIELDS = ["uuid", "created", "event_type", "message", "context"];

/** Python's httpx prints numbers as Python does, UUIDs with dashes, and repeats lists; spaces are `%20`. */
const PYTHON_FILTERS = [
  "created_from=1600000000.0",
  "created_to=1900000000.5",
  `customer_uuid=${dashed(CUSTOMER)}`,
  "event_type=project_creation_succeeded",
  "event_type=user_activated",
  "feature=projects",
  "feature=users",
  "message=Event%20of",
  "o=-created",
  "o=created",
  `user_uuid=${dashed(USER)}`,
].join("&");
const TYPESCRIPT_FILTERS = PYTHON_FILTERS.replace("1600000000.0", "1600000000");
const SCOPE = `https%3A%2F%2Fwaldur.example.com%2Fapi%2Fcustomers%2F${CUSTOMER}%2F`;

/** Both clients have the same functions; Python's also have `sync_all`. */
const both = (python: string, typescript: string, request: Omit<ClientRequest, "client" | "name">): ClientRequest[] => [
  { client: "python", name: python, ...request },
  { client: "typescript", name: typescript, ...request },
];
const got = (path: string, reads: Reads, fields: readonly string[] = FIELDS) =>
  ({ method: "GET", path, reads, fields }) as const;
const counted = (path: string) => ({ method: "HEAD", path, reads: "result count" }) as const;

export const CLIENT_REQUESTS: readonly ClientRequest[] = [
  ...both("events_list.sync", "eventsList", got("/api/events/", "events")),
  { client: "python", name: "events_list.sync", ...got(`/api/events/?${PYTHON_FILTERS}`, "events") },
  { client: "typescript", name: "eventsList", ...got(`/api/events/?${TYPESCRIPT_FILTERS}`, "events") },
  ...both("events_list.sync", "eventsList", got("/api/events/?page=2&page_size=1", "events")),
  ...both(
    "events_list.sync",
    "eventsList",
    got("/api/events/?field=message&field=uuid", "events", ["uuid", "message"]),
  ),
  ...both("events_list.sync", "eventsList", got(`/api/events/?scope=${SCOPE}`, "events")),
  ...both("events_list.sync", "eventsList", got(`/api/events/?related_user_uuid=${dashed(USER)}`, "events")),
  ...both("events_count.sync", "eventsCount", counted("/api/events/")),
  { client: "python", name: "events_count.sync", ...counted(`/api/events/?${PYTHON_FILTERS}&page=1&page_size=10`) },
  { client: "typescript", name: "eventsCount", ...counted(`/api/events/?${TYPESCRIPT_FILTERS}&page=1&page_size=10`) },
  ...both("events_retrieve.sync", "eventsRetrieve", got("/api/events/1/", "event")),
  ...both("events_retrieve.sync", "eventsRetrieve", got("/api/events/1/?field=created", "event", ["created"])),
  ...both("events_count_retrieve.sync", "eventsCountRetrieve", got("/api/events/count/", "count")),
  ...both("events_count_count.sync", "eventsCountCount", counted("/api/events/count/")),
  ...both("events_event_groups_retrieve.sync", "eventsEventGroupsRetrieve", got("/api/events/event_groups/", "groups")),
  ...both("events_event_groups_count.sync", "eventsEventGroupsCount", counted("/api/events/event_groups/")),
  ...both("events_scope_types_retrieve.sync", "eventsScopeTypesRetrieve", got("/api/events/scope_types/", "types")),
  ...both("events_scope_types_count.sync", "eventsScopeTypesCount", counted("/api/events/scope_types/")),
  ...both("events_stats_list.sync", "eventsStatsList", got("/api/events-stats/", "months")),
  ...both(
    "events_stats_list.sync",
    "eventsStatsList",
    got(`/api/events-stats/?event_type=user_activated&feature=users&page=1&page_size=5&scope=${SCOPE}`, "months"),
  ),
  ...both("events_stats_count.sync", "eventsStatsCount", counted("/api/events-stats/")),
  ...both(
    "events_stats_count.sync",
    "eventsStatsCount",
    counted(`/api/events-stats/?related_user_uuid=${dashed(USER)}`),
  ),
];

/** The headers of each client. TypeScript's sends the token bare, or with the word that the application has put there. */
export const CLIENT_HEADERS: Readonly<Record<ClientRequest["client"], (token: string) => Record<string, string>[]>> = {
  python: (token) => [
    {
      Accept: "*/*",
      "Accept-Encoding": "gzip, deflate",
      Connection: "keep-alive",
      "User-Agent": "python-httpx/0.28.1",
      Authorization: `Token ${token}`,
    },
  ],
  typescript: (token) =>
    [token, `Bearer ${token}`, `Token ${token}`].map((Authorization) => ({ Accept: "*/*", Authorization })),
};
