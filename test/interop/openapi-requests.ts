/** A request that openapi.json describes, and the status that the server gives it. */
export interface Documented {
  method?: "GET" | "HEAD" | "POST" | "PUT";
  /** The path as openapi.json names it. */
  route: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
}

export const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
export const INGEST_SECRET = "secret-of-the-openapi-test";

const UUID = "07d02ac2f5be454780565ac8b70fad91";
const UNKNOWN = "4fb3a7a1-5c1e-4d64-9a55-0f6f2f1c6a3d";
const CUSTOMER = "/api/customers/624616d217794f518e88bdf67058106a/";
const STAFF = { Authorization: `Token ${STAFF_TOKEN}` };
const WRONG = { Authorization: "Token wrong" };
const JSON_TYPE = { "Content-Type": "application/json" };
const secret = { Authorization: `Bearer ${INGEST_SECRET}` };
const EVENT = { event_type: "user_activated", message: "Ada is active." };
const CLOUD_EVENT = { specversion: "1.0", source: "/crm", type: "user_activated" };
const BINARY = { "ce-specversion": "1.0", "ce-source": "/crm", "ce-type": "user_activated" };

/** The routes that read, each with a path of it. */
export const ROUTES = [
  ["/api/events/", "/api/events/"],
  ["/api/events/{id}/", "/api/events/1/"],
  ["/api/events/count/", "/api/events/count/"],
  ["/api/events/event_groups/", "/api/events/event_groups/"],
  ["/api/events/scope_types/", "/api/events/scope_types/"],
  ["/api/events/feed/", "/api/events/feed/"],
  ["/api/events/feed/status/", "/api/events/feed/status/"],
  ["/api/events-stats/", "/api/events-stats/"],
] as const;

/** Routes without an ETag: those of HEAD, and of both methods. */
const WITHOUT_ETAG = { HEAD: ["/api/events/feed/", "/api/events/feed/status/"], GET: ["/api/events/feed/status/"] };

/** Each route that reads, for everybody who asks. */
const everyRoute = ROUTES.flatMap(([route, path]): Documented[] => {
  const asked: Documented[] = [
    { route, path, headers: STAFF, status: 200 },
    { route, path, headers: { ...STAFF, "If-None-Match": "*" }, status: 304 },
    { route, path, headers: { ...STAFF, "X-D1-Bookmark": "unknown" }, status: 400 },
    { route, path, headers: WRONG, status: 401 },
    { route, path: `${path}?format=xml`, headers: STAFF, status: 404 },
    { route, path, headers: { ...STAFF, Accept: "text/html" }, status: 406 },
  ];
  const by = (method: "GET" | "HEAD") =>
    asked.flatMap((request) =>
      request.status === 304 && WITHOUT_ETAG[method].includes(route) ? [] : { ...request, method },
    );
  return [...by("GET"), ...by("HEAD"), { method: "PUT", route, path, headers: STAFF, status: 405 }];
});

const LIST_QUERIES = [
  ["?page_size=2&page=2&o=created&field=uuid&field=id", 200],
  ["?page=last&page_size=800", 200],
  ["?created_from=1500000000&created_to=2000000000.5&message=a", 200],
  [`?customer_uuid=${UNKNOWN}&project_uuid=${UUID}&user_uuid=${UUID}&related_user_uuid=${UUID}`, 200],
  ["?event_type=a&event_type=b&feature=users&auth_method=pat&pat_uuid=x", 200],
  [`?scope=${CUSTOMER}`, 200],
  ["?created_from=1e51&message=%00", 400],
  ["?created_from=999999999999999", 400],
  ["?scope=/api/nothing/", 400],
  ["?page=99", 404],
  ["?page=2.a_hkntcjusjo_88_4968e0034079", 404],
] as const;

const listQueries = LIST_QUERIES.map(
  ([search, status]): Documented => ({ route: "/api/events/", path: `/api/events/${search}`, headers: STAFF, status }),
);

const reading: Documented[] = [
  ...everyRoute,
  ...listQueries,
  { route: "/api/events/{id}/", path: `/api/events/${UNKNOWN}/`, headers: STAFF, status: 404 },
  { route: "/api/events/{id}/", path: `/api/events/${UUID}/`, headers: STAFF, status: 404 },
  { route: "/api/events/{id}/", path: "/api/events/1/?created_from=1e51", headers: STAFF, status: 400 },
  { route: "/api/events/count/", path: "/api/events/count/?created_from=1e51", headers: STAFF, status: 400 },
  { route: "/api/events-stats/", path: "/api/events-stats/?page=99", headers: STAFF, status: 404 },
];

/** The last is of a log that was restored since; what it says of the filter is the same for every log. */
const feed = [
  ["?offset=now", {}, 200],
  ["?offset=-1&limit=2&field=id&message=a", {}, 200],
  ["?offset=-1&live=long-poll&cursor=1", {}, 200],
  ["?download=1", { Accept: "application/x-ndjson" }, 200],
  ["", { Accept: "text/csv" }, 200],
  ["?offset=nothing", {}, 400],
  ["?offset=000000000.00000000001.0.bb5bb1b3a774c41d06", {}, 410],
] as const;
const following = feed.map(
  ([search, headers, status]): Documented => ({
    ...{ route: "/api/events/feed/", path: `/api/events/feed/${search}`, headers: { ...STAFF, ...headers }, status },
  }),
);

interface Sent {
  type?: string;
  headers?: Record<string, string>;
  body: unknown;
  status?: number;
}

function sent({ type, headers, body, status = 202 }: Sent): Documented {
  const content = typeof body === "string" ? body : JSON.stringify(body);
  const all = { ...secret, ...JSON_TYPE, ...(type ? { "Content-Type": type } : {}), ...headers };
  return { method: "POST", route: "/ingest/{producer}", path: "/ingest/local", headers: all, body: content, status };
}

const sending: Documented[] = [
  sent({ body: EVENT }),
  sent({ body: { ...EVENT, uuid: UUID, created: "2026-01-01T00:00:00.5+02:00", context: { a: [1, null] } } }),
  sent({ body: [EVENT, { ...EVENT, context: {} }] }),
  sent({ type: "application/x-ndjson", body: `${JSON.stringify(EVENT)}\n` }),
  sent({ type: "application/x-www-form-urlencoded", body: "event_type=a&message=b&context=k&context=l" }),
  sent({ type: "application/x-www-form-urlencoded", body: "event_type=a&message=b" }),
  sent({ type: "application/cloudevents+json", body: { ...CLOUD_EVENT, id: "1", data: { message: "a" } } }),
  sent({ type: "application/cloudevents-batch+json", body: [{ ...CLOUD_EVENT, id: "2" }] }),
  sent({ headers: { ...BINARY, "ce-id": "3" }, body: { message: "Ada is active.", user_username: "ada" } }),
  sent({ type: "text/plain", headers: { ...BINARY, "ce-id": "4" }, body: "Ada is active." }),
  sent({ headers: { "Idempotency-Key": "same" }, body: EVENT }),
  sent({ headers: { "Idempotency-Key": "same" }, body: { ...EVENT, message: "Another." }, status: 409 }),
  sent({ body: { ...EVENT, message: "\0" }, status: 400 }),
  sent({ type: "application/x-ndjson", body: "{", status: 400 }),
  sent({ headers: { Authorization: "Bearer wrong" }, body: EVENT, status: 401 }),
  sent({ body: { ...EVENT, context: { a: "x".repeat(1_100_000) } }, status: 413 }),
  sent({ type: "text/csv", body: "a,b", status: 415 }),
  sent({ type: "text/plain", headers: { "Content-Encoding": "br" }, body: "a", status: 415 }),
  { ...sent({ body: EVENT, status: 405 }), method: "PUT" },
];

/** The same with the secret in the URL. */
const byUrl = (requests: Documented[], producer: string, producerSecret: string): Documented[] =>
  requests.map(({ headers: { Authorization: _, ...headers } = {}, ...request }) => ({
    ...request,
    route: "/ingest/{producer}/{secret}",
    path: `/ingest/${producer}/${request.status === 401 ? "wrong" : producerSecret}`,
    headers,
  }));

const RECEIPTS = "/ingest/{producer}/receipts/{id}";
const receipts = [
  { path: `/ingest/local/receipts/${UUID}`, headers: secret, status: 200 },
  { path: `/ingest/local/receipts/${UNKNOWN}`, headers: secret, status: 404 },
  { path: `/ingest/local/receipts/${UUID}`, headers: { Authorization: "Bearer wrong" }, status: 401 },
].flatMap((request): Documented[] => [
  { route: RECEIPTS, ...request },
  { route: RECEIPTS, method: "HEAD", ...request },
]);
const otherReceipt: Documented = { ...sent({ body: EVENT, status: 405 }), method: "PUT", route: RECEIPTS };

/** Of a producer that may send one event a day, of types that begin with `crm_`: the last one is one too many. */
export function limited(limitedSecret: string): Documented[] {
  const crm = { ...EVENT, event_type: "crm_deal_won" };
  const by = (body: unknown, status: number): Documented => ({
    ...sent({ body, headers: { Authorization: `Bearer ${limitedSecret}` }, status }),
    path: "/ingest/limited",
  });
  const refused = [by(EVENT, 403), by([crm, { ...crm, message: "b" }], 403)];
  const requests = [...refused, by(crm, 202), by({ ...crm, message: "c" }, 429)];
  return [...requests, ...byUrl([...refused, by({ ...crm, message: "c" }, 429)], "limited", limitedSecret)];
}

/** Of a user who is not staff. */
export const ofUser = (token: string): Documented[] =>
  ROUTES.filter(([route]) => route !== "/api/events-stats/").map(([route, path]) => ({
    ...{ method: "PUT", route, path, status: 403 },
    headers: { Authorization: `Token ${token}` },
  }));

/** Whether `/readyz` is ready depends on the cron job, so only what does not is asked. */
const operating: Documented[] = [
  { route: "/metrics", path: "/metrics", headers: STAFF, status: 200 },
  { route: "/metrics", path: "/metrics", headers: { ...STAFF, Accept: "text/plain" }, status: 200 },
  { method: "HEAD", route: "/metrics", path: "/metrics", headers: STAFF, status: 200 },
  { route: "/metrics", path: "/metrics", headers: WRONG, status: 401 },
  { method: "PUT", route: "/metrics", path: "/metrics", headers: STAFF, status: 405 },
  { method: "PUT", route: "/readyz", path: "/readyz", status: 405 },
];

/** In this order: some need what was sent before. */
export const REQUESTS: Documented[] = [
  ...reading,
  ...following,
  ...sending,
  ...byUrl(sending, "local", INGEST_SECRET),
  ...receipts,
  ...operating,
  { ...otherReceipt, path: `/ingest/local/receipts/${UUID}` },
];
