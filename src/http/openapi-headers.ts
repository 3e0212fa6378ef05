const text = { type: "string" };
const count = { type: "integer", minimum: 0 };

const header = (description: string, schema: object, example: unknown) => ({ description, schema, example });

/** The headers of responses, as `components/headers` of the OpenAPI document. */
export const responseHeaders = {
  Allow: header("The methods of the path.", text, "GET, HEAD, OPTIONS"),
  "Cache-Control": header("Whether and how a client may keep the response.", text, "private, no-cache"),
  "Content-Language": header("The language of the texts.", text, "en"),
  ETag: header("The version of the response, for `If-None-Match`.", text, 'W/"86972b2f8766e441.300.300.0"'),
  Link: header(
    'URLs of other pages: `rel="first"`, `prev`, `next`, `last`. Those of `prev` and `next` carry a page token.',
    text,
    '<http://127.0.0.1:8787/api/events/?page_size=10>; rel="first", <http://127.0.0.1:8787/api/events/?page=2.a_hkntcjusjo_88_4968e0034079&page_size=10>; rel="next", <http://127.0.0.1:8787/api/events/?page=30&page_size=10>; rel="last"',
  ),
  "RateLimit-Limit": header("The limit that was reached.", count, 60_000),
  "RateLimit-Remaining": header("What is left of it.", count, 0),
  "RateLimit-Reset": header("Seconds until the limit begins anew.", count, 60),
  "Retry-After": header("Seconds after which the request may be sent again.", count, 60),
  "Server-Timing": header(
    "What the request cost in the database; for staff.",
    text,
    'd1;dur=1.8, rows_read;desc="11", rows_written;desc="0", trips;desc="1"',
  ),
  "Stream-Complete-Through": header(
    "Every event that was answered with 202 before this time is among what was read, or a dead letter. Absent before the end of the feed, and while it is unknown.",
    { ...text, format: "date-time" },
    "2026-11-25T12:00:00Z",
  ),
  "Stream-Cursor": header("With `live`: to be sent back as `cursor`.", text, "3360155"),
  "Stream-Next-Offset": header(
    "Where to go on: to be sent back as `offset`.",
    text,
    "0mwwiscpv.0000000008d.0.bb5bb1b3a774",
  ),
  "Stream-Up-To-Date": header("There is nothing more; absent otherwise.", { ...text, enum: ["true"] }, "true"),
  Vary: header("The headers of the request that the response depends on.", text, "Accept, Authorization"),
  "WWW-Authenticate": header("How to authenticate.", text, "Token"),
  "X-D1-Bookmark": header(
    "The state of the database that was read; for staff and support. A request with it reads nothing older.",
    text,
    "00000085-00000006-000051c9-d4c2a3c9d3d7e4a1b0f3c5e7a9b1d3f5",
  ),
  "X-Impersonator-Uuid": header(
    "The member of staff who acts as another user.",
    { $ref: "#/components/schemas/Uuid" },
    "420a5487e6294237b73db0e20e1c04d1",
  ),
  "X-Request-Id": header("Names the request in the log.", text, "5f0c1d7e-2b7a-4a53-9a55-0f6f2f1c6a3d"),
  "X-Result-Count": header("The number of all results, on every page.", count, 300),
  "X-Result-Count-Exact": header(
    "`false` when a search was not counted to its end: the number is that of the results so far. Absent otherwise.",
    { type: "string", enum: ["false"] },
    "false",
  ),
};

export type HeaderName = keyof typeof responseHeaders;

/** Headers of every response. */
export const COMMON: readonly HeaderName[] = ["X-Request-Id", "Cache-Control"];
/** Headers of a 429 besides. */
export const RATE_LIMIT: readonly HeaderName[] = [
  "Retry-After",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
];

/** The headers of one response, as references. */
export const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
