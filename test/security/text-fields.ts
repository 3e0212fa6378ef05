import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/env.ts";
import { objectRows } from "../../src/events/objects/learn.ts";
import { repeatedParameters, singleParameters } from "../../src/events/schemas.ts";
import { prepare } from "../../src/events/write/prepare.ts";
import { unpackMessage } from "../../src/ingest/queue/message.ts";

/** A place in a request, or in a queue message, where a client's text arrives. */
export interface TextField {
  name: string;
  /** Gives the text to our code, in Node or in workerd. Returns the status of the response; undefined without one. */
  send: (text: string) => Promise<number | undefined>;
  /** The text travels in a header, which has letters of Latin-1 without control characters only. */
  isHeader?: boolean;
  /** The text is a list of events. */
  isList?: boolean;
}

/** Few, as a sender may choose. */
const PART_BYTES = 10;
const ORIGIN = "https://events.example.org";
const UUID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const SECRET = "producer-secret";
/** Any key: no text here is signed with it. */
const KEY = `whsec_${"A".repeat(32)}`;

/** The one user there is, as the database returns a token with its user: staff, so that no field is left unread. */
const TOKEN_ROW = {
  ...{ uuid: UUID, is_staff: 1, is_support: 0, is_active: 1, token_lifetime: null },
  ...{ created: 0, expires: null, last_used_day: 1e9 },
};

const app = createApp();

/** Bindings that answer at once and hold nothing but that user. */
const env = {
  DB: { prepare: statement, batch, withSession: () => ({ prepare: statement, batch, getBookmark: () => null }) },
  INGEST_QUEUE: { send: async () => {}, sendBatch: async () => {}, metrics: async () => ({ backlogCount: 0 }) },
  INGEST_SECRETS: JSON.stringify({
    plain: [SECRET],
    signing: { auth: "standard-webhooks", secrets: [KEY] },
    github: { auth: "github", secrets: [SECRET] },
  }),
  ...{
    INGEST_MAX_BACKLOG: "1",
    PRODUCER_CACHE_SECONDS: "1e9",
    CORS_ORIGINS: "https://a.example",
  },
} as unknown as Env;

const ctx = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as unknown as ExecutionContext;

function statement(sql: string) {
  const bound = { sql, bind: () => bound, run: async () => ({}) };
  return bound;
}

async function batch(statements: readonly { sql: string }[]) {
  return statements.map(({ sql }) => ({
    results: /token_lifetime.* from "tokens"/.test(sql) ? [TOKEN_ROW] : [],
    meta: {},
  }));
}

async function status(path: string, init: RequestInit): Promise<number> {
  const response = await app.fetch(new Request(`${ORIGIN}${path}`, { redirect: "manual", ...init }), env, ctx);
  await response.text();
  return response.status;
}

const read = (path: string, headers: Record<string, string> = {}) =>
  status(path, { headers: { Authorization: "Token key", ...headers } });

const inHeader = (name: string, path = "/api/events/"): TextField => ({
  name: `the header ${name} of ${path}`,
  isHeader: true,
  send: (text) => read(path, { [name]: text }),
});

const inQuery = (name: string, path = "/api/events/", around = (text: string) => text): TextField => ({
  name: `the parameter ${name} of ${path}`,
  send: (text) => read(`${path}?${new URLSearchParams({ [name]: around(text) })}`),
});

const post = (body: BodyInit, headers: Record<string, string>, producer = "plain") =>
  status(`/ingest/${producer}`, {
    ...{ method: "POST", body, headers: { Authorization: `Bearer ${SECRET}`, ...headers } },
    // Node wants it for a stream.
    ...{ duplex: "half" },
  });

/** A body whose parts arrive one by one. */
const inParts = (text: string): ReadableStream =>
  new Blob([text]).stream().pipeThrough(
    new TransformStream({
      transform: (bytes: Uint8Array, controller) => {
        for (let at = 0; at < bytes.length; at += PART_BYTES) controller.enqueue(bytes.slice(at, at + PART_BYTES));
      },
    }),
  );

const VALID = { event_type: "user_activated", message: "Ada.", created: "2026-03-01T12:00:00Z" };

/** A body of JSON with the text in one place. */
const inJson = (name: string, event: (text: string) => unknown, type = "application/json"): TextField => ({
  name: `${name} in ${type}`,
  send: (text) => post(JSON.stringify(event(text)), { "Content-Type": type }),
});

/** A body that is the text itself, between two others. */
const asBody = (type: string, before = "", after = "", isList = false): TextField => ({
  name: `${before}…${after} as ${type}`,
  isList,
  send: (text) => post(`${before}${text}${after}`, { "Content-Type": type }),
});

const CLOUD_EVENT = { specversion: "1.0", id: "1", source: "/crm", type: "user_activated" };
const CLOUD_ATTRIBUTES = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

const inCeHeader = (name: string): TextField => ({
  name: `the header ce-${name}`,
  isHeader: true,
  send: (text) =>
    post("{}", { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/crm", "ce-type": "a", [`ce-${name}`]: text }),
});

const inIngestHeader = (name: string, producer = "plain", more: Record<string, string> = {}): TextField => ({
  name: `the header ${name} of ${producer}`,
  isHeader: true,
  send: (text) => post(JSON.stringify(VALID), { "Content-Type": "application/json", ...more, [name]: text }, producer),
});

const consumed = (
  name: string,
  event: (text: string) => { eventType?: string; message?: string; context?: unknown },
): TextField => ({
  name: `${name} of a stored event`,
  send: async (text) => {
    const { eventType = "project_created", message = "Ada.", context = {} } = event(text);
    const stored = {
      uuid: UUID,
      created: 0,
      eventType,
      message,
      context: JSON.stringify(context),
      producer: "a",
      receivedAt: 0,
    };
    prepare(stored);
    objectRows([stored]);
  },
});

/** Every place where a client's text arrives. */
export const TEXT_FIELDS: readonly TextField[] = [
  ...[...Object.keys(singleParameters.entries), ...Object.keys(repeatedParameters.entries)].map((name) =>
    inQuery(name),
  ),
  ...["scope", "page", "page_size", "field", "format", "anything"].map((name) => inQuery(name)),
  inQuery("scope", "/api/events/count/", (text) => `https://waldur.example.com/api/customers/${text}/`),
  inQuery("scope", "/api/events-stats/", (text) => `http${text}`),
  inQuery("page", "/api/events/", (text) => `1.a_${text}_1_${"0".repeat(12)}`),
  { name: "the name of a parameter", send: (text) => read(`/api/events/?${new URLSearchParams({ [text]: "1" })}`) },
  { name: "a query", send: (text) => read(`/api/events/?${text.toWellFormed()}`) },
  { name: "a path", send: (text) => read(`/api/events/${encodeURIComponent(text.toWellFormed())}/`) },
  { name: "a path with its slashes", send: (text) => read(`/${text.toWellFormed()}`) },
  ...[
    "Authorization",
    "X-Impersonated-User-Uuid",
    "If-None-Match",
    "Accept",
    "Origin",
    "x-d1-bookmark",
    "CF-Connecting-IP",
  ].map((name) => inHeader(name)),
  inHeader("Authorization", "/api/events-stats/"),
  ...(["event_type", "message", "created", "uuid"] as const).map((name) =>
    inJson(name, (text) => ({ ...VALID, [name]: text })),
  ),
  inJson("a key of the context", (text) => ({ ...VALID, context: { [text]: 1 } })),
  inJson("a value of the context", (text) => ({ ...VALID, context: { customer_uuid: text } })),
  inJson("a key that nobody reads", (text) => ({ ...VALID, [text]: text })),
  asBody("application/json"),
  asBody("application/json", '{"message":', "}"),
  asBody("application/json", '{"event_type":"a","message":"b","context":{"a":1', "}}"),
  asBody("application/json", '{"event_type":"a","message":"b","context":{"a":1.', "}}"),
  asBody("application/json", "[", "0]", true),
  asBody("application/x-ndjson", "", "", true),
  {
    name: "NDJSON that arrives in small parts",
    isList: true,
    send: (text) => post(inParts(text), { "Content-Type": "application/x-ndjson" }),
  },
  asBody("application/x-www-form-urlencoded"),
  ...["event_type", "message", "created", "uuid", "context"].map(
    (name): TextField => ({
      name: `${name} in a form`,
      send: (text) =>
        post(String(new URLSearchParams({ ...VALID, [name]: text })), {
          "Content-Type": "application/x-www-form-urlencoded",
        }),
    }),
  ),
  ...CLOUD_ATTRIBUTES.map((name) =>
    inJson(name, (text) => ({ ...CLOUD_EVENT, [name]: text }), "application/cloudevents+json"),
  ),
  inJson(
    "data",
    (text) => ({ ...CLOUD_EVENT, data: { message: text, context: { [text]: text } } }),
    "application/cloudevents+json",
  ),
  inJson("data_base64", (text) => ({ ...CLOUD_EVENT, data_base64: text }), "application/cloudevents+json"),
  asBody("application/cloudevents-batch+json", "[", "0]", true),
  ...CLOUD_ATTRIBUTES.map(inCeHeader),
  ...["Content-Type", "Content-Encoding", "Idempotency-Key", "webhook-id", "Authorization", "X-Hub-Signature-256"].map(
    (name) => inIngestHeader(name),
  ),
  ...["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    inIngestHeader(name, "signing", { "webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" }),
  ),
  inIngestHeader("X-Hub-Signature-256", "github"),
  {
    name: "a receipt",
    send: (text) =>
      read(`/ingest/plain/receipts/${encodeURIComponent(text.toWellFormed())}`, { Authorization: `Bearer ${SECRET}` }),
  },
  {
    name: "a secret in the URL",
    send: (text) => status(`/ingest/plain/${encodeURIComponent(text.toWellFormed())}`, { method: "POST" }),
  },
  consumed("the type", (text) => ({ eventType: text })),
  consumed("the message", (text) => ({ message: text })),
  consumed("the context", (text) => ({
    context: { [text]: text, customer_uuid: text, auth_method: text, resource_type: text },
  })),
  {
    name: "a queue message",
    send: async (text) => {
      try {
        unpackMessage(text);
      } catch (error) {
        if (error instanceof RangeError) throw error;
      }
      return undefined;
    },
  },
];
