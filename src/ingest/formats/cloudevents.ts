import * as v from "valibot";
import { badRequest } from "../../http/errors.ts";
import { asObject, isObject, partsOf } from "./data.ts";
import { checkCount, type Draft, type Format, parsed, problemsOf } from "./format.ts";
import { keysBeside } from "./unknown.ts";

/** Our fields, as CloudEvents calls them. */
const NAMES = { event_type: "type", created: "time", message: "data.message", context: "data" };

/** What an event is made of; extensions and `dataschema` are not kept. */
const KEPT: ReadonlySet<string> = new Set([
  ...["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "data_base64"],
]);

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

/** One event. Without a message in its data, the subject or the type is the message. */
function draft(value: unknown): Draft {
  const result = v.safeParse(cloudEventAttributes, value, { abortPipeEarly: true });
  if (!result.success) return { value, problems: problemsOf(result.issues) };
  if (isObject(value) && "data" in value && "data_base64" in value) {
    return { value, problems: [{ field: "data_base64", message: "Must not be there together with data." }] };
  }
  const { id, source, type, subject, time } = result.output;
  const { message = subject ?? type, context } = partsOf(dataOf(value));
  return {
    value: {
      event_type: type,
      message,
      ...(time == null ? {} : { created: time }),
      context,
    },
    id: { kind: "cloudevents", parts: [source, id] },
    names: NAMES,
    unknown: keysBeside(value, KEPT).filter((name) => isObject(value) && value[name] !== null),
  };
}

/** The data as an object: `{"data": 5}`, `{"data_base64": "…"}`. */
function dataOf(event: unknown): Record<string, unknown> {
  if (!isObject(event)) return {};
  return typeof event.data_base64 === "string" ? { data_base64: event.data_base64 } : asObject(event.data);
}

const isJson = (type: string): boolean => type === "application/json" || type.endsWith("+json");

const isText = (type: string): boolean => type.startsWith("text/") || /[/+]xml$/.test(type);

/** Older senders quote values; all percent-encode what is not printable ASCII. Throws 400 when that is no UTF-8. */
function decodedHeader(name: string, value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
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
