import * as v from "valibot";
import { badRequest } from "../../http/errors.ts";
import { isRawNumber } from "../../values/json.ts";
import { checkCount, type Draft, type Format, parsed } from "./format.ts";

/** Our fields, as CloudEvents calls them. */
const NAMES = { event_type: "type", created: "time", message: "data.message", context: "data" };

const text = v.pipe(v.string("Must be text."), v.nonEmpty("Must not be empty."));
/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md; other attributes are ignored, null is absent. */
export const cloudEventAttributes = v.object(
  {
    specversion: v.literal("1.0", 'Must be "1.0".'),
    id: text,
    source: text,
    type: text,
    subject: v.nullish(text),
    time: v.nullish(v.string("Must be a time.")),
    datacontenttype: v.nullish(text),
  },
  "Must be an object.",
);

/** Structured mode: one event as JSON. */
export const readCloudEvent: Format = async (body) => ({ drafts: [draft(parsed(await body.text(), "The body"))] });

/** Batched mode: a JSON array of events. */
export const readCloudEvents: Format = async (body) => {
  const events = parsed(await body.text(), "The body");
  if (!Array.isArray(events)) throw badRequest({ detail: "A batch of CloudEvents must be a JSON array." });
  checkCount(events.length);
  return { drafts: events.map((event) => draft(event)), mayBeEmpty: true };
};

/** Binary mode: the attributes are headers (`ce-id`, …), the body is the data. */
export const readBinaryCloudEvent: Format = async (body, headers) => {
  const named = [...headers].filter(([name]) => name.startsWith("ce-"));
  const event = Object.fromEntries(named.map(([name, value]) => [name.slice(3), decodedHeader(name, value)]));
  const type = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  const bytes = await body.bytes();
  if (bytes.byteLength === 0) return { drafts: [draft(event)] };
  if (type === undefined || isJson(type))
    return { drafts: [draft({ ...event, data: parsed(utf8(bytes), "The body") })] };
  if (isText(type)) return { drafts: [draft({ ...event, data: utf8(bytes) })] };
  return { drafts: [draft({ ...event, data_base64: bytes.toBase64() })] };
};

/**
 * One event. Data with a `message` are `{message, context}`, or the message and the keys of the context beside it; other
 * data are the context, and the subject or the type is the message.
 */
function draft(value: unknown): Draft {
  const result = v.safeParse(cloudEventAttributes, value, { abortPipeEarly: true });
  if (!result.success) {
    const problems = result.issues.map((issue) => ({
      field: v.getDotPath(issue) ?? "event",
      message: messageOf(issue),
    }));
    return { value, problems };
  }
  if (isObject(value) && "data" in value && "data_base64" in value) {
    return { value, problems: [{ field: "data_base64", message: "Must not be there together with data." }] };
  }
  const { id, source, type, subject, time } = result.output;
  const data = dataOf(value);
  const { message = subject ?? type, ...rest } = isObject(data) ? data : {};
  const context = isObject(data) && "message" in data && "context" in rest ? rest.context : rest;
  return {
    value: {
      event_type: type,
      message,
      ...(time == null ? {} : { created: time }),
      context,
    },
    id: { kind: "cloudevents", parts: [source, id] },
    names: NAMES,
  };
}

/** Data that is no object becomes one: `{"data": 5}`, `{"data_base64": "…"}`. */
function dataOf(event: unknown): unknown {
  if (!isObject(event)) return undefined;
  if (typeof event.data_base64 === "string") return { data_base64: event.data_base64 };
  if (event.data === undefined || event.data === null) return undefined;
  return isObject(event.data) ? event.data : { data: event.data };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

const isJson = (type: string): boolean => type === "application/json" || type.endsWith("+json");

const isText = (type: string): boolean => type.startsWith("text/") || /[/+]xml$/.test(type);

function messageOf(issue: v.BaseIssue<unknown>): string {
  return issue.kind === "schema" && issue.received === "undefined" ? "Is required." : issue.message;
}

/** Older senders quote values; all percent-encode what is not printable ASCII. Throws 400 when that is no UTF-8. */
function decodedHeader(name: string, value: string): string {
  const quoted = /^"(.*)"$/.exec(value)?.[1];
  try {
    return decodeURIComponent(quoted?.replaceAll(/\\(.)/g, "$1") ?? value);
  } catch {
    throw badRequest({ detail: `The header ${name} is not valid percent-encoded UTF-8.` });
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw badRequest({ detail: "The body is not valid UTF-8." });
  }
}
