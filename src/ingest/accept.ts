import * as v from "valibot";
import { badRequest } from "../http/errors.ts";
import { byteLength, sha256Hex } from "../values/bytes.ts";
import { printJson } from "../values/json.ts";
import type { Body } from "./body.ts";
import type { AcceptedEvent } from "./event.ts";
import { MAX_EVENT_BYTES, type ProducedEvent, producedEvent } from "./event.ts";
import { chooseFormat } from "./formats/choose.ts";
import { isObject } from "./formats/data.ts";
import { checkCount, type Draft, type Problem, problemsOf } from "./formats/format.ts";
import { unknownFields } from "./formats/unknown.ts";
import { futureTimes } from "./future-times.ts";
import { contentUuid, type GivenId, idUuid } from "./identity.ts";
import type { Producer } from "./producers/find.ts";

/** Characters of webhook-id and Idempotency-Key. */
const MAX_KEY_LENGTH = 255;

/** Characters of a uuid or a time as the read API prints them, and some to spare. */
const MAX_PRINTED_LENGTH = 64;

interface EventError extends Problem {
  index: number;
}

/** A request whose sender is known. */
export interface Sent {
  producer: Pick<Producer, "name" | "auth" | "format">;
  headers: Headers;
  /** The raw body of a signed request. */
  raw: Uint8Array | undefined;
  body: Body;
  /** Microseconds. */
  receivedAt: number;
}

/** An accepted event. `hasOwnUuid`: its producer has chosen the uuid. */
export type NamedEvent = AcceptedEvent & { hasOwnUuid: boolean };

/**
 * The events of a request, checked and with their ids. Throws 415 for an unknown content type, 400 for a body that cannot
 * be read, and one 400 that lists every problem of every bad event. Accepts all events or none.
 */
export async function acceptEvents(sent: Sent) {
  const { producer, headers, body } = sent;
  const format = chooseFormat(headers, producer.format);
  const key = await requestId(sent);
  const { drafts, warnings = [], mayBeEmpty = false } = await format(body, headers);
  if (drafts.length === 0 && !mayBeEmpty) throw badRequest({ detail: "There is no event in the body." });
  checkCount(drafts.length);
  const checked = drafts.map(checkDraft);
  const errors = checked.flatMap((result) => ("errors" in result ? result.errors : []));
  if (errors.length > 0) {
    const bad = new Set(errors.map((error) => error.index)).size;
    throw badRequest({ detail: `${bad} of ${drafts.length} events are not valid; none was accepted.`, errors });
  }
  const valid = checked.flatMap((result) => ("event" in result ? [result.event] : []));
  const ids = drafts.map(({ id }, index) => id ?? (key && { ...key, parts: [...key.parts, index] }));
  return {
    warnings: [...warnings, ...unknownFields(drafts), ...ignoredHeaders(sent), ...futureTimes(drafts, valid, sent)],
    events: await Promise.all(valid.map((event, index) => nameEvent(event, ids[index], sent))),
  };
}

/**
 * The id of the request. The index of an event in the body makes it the id of that event. Of a signed request, only what
 * is signed counts: else a captured request would be new events under another id. GitHub signs the body alone.
 */
async function requestId({ producer: { auth }, headers, raw }: Sent): Promise<GivenId | undefined> {
  if (auth === "github") return { kind: "body", parts: [await sha256Hex(raw ?? new Uint8Array())] };
  const webhookId = headers.get("webhook-id");
  const value = webhookId || (auth === "secret" && headers.get("Idempotency-Key"));
  if (!value) return undefined;
  const kind = webhookId ? "webhook-id" : "idempotency-key";
  if (value.length > MAX_KEY_LENGTH)
    throw badRequest({ detail: `${kind} must be at most ${MAX_KEY_LENGTH} characters.` });
  return { kind, parts: [value] };
}

/** A warning for headers that would name events, were they signed. */
function ignoredHeaders({ producer: { auth }, headers }: Sent): string[] {
  if (auth === "secret") return [];
  const unsigned = ["idempotency-key", ...(auth === "github" ? ["webhook-id"] : [])];
  const ignored = [...headers.keys()].filter((name) => unsigned.includes(name) || name.startsWith("ce-"));
  return ignored.length === 0 ? [] : [`These headers are not signed and were ignored: ${ignored.join(", ")}.`];
}

/** The size of an event is checked before its fields, so that these are short. */
export function checkDraft(draft: Draft, index: number): { event: ProducedEvent } | { errors: EventError[] } {
  const { value, problems, names = {} } = draft;
  if (problems !== undefined) return { errors: problems.map((problem) => ({ index, ...problem })) };
  const bytes = byteLength(JSON.stringify(withoutPrinted(value)));
  if (bytes > MAX_EVENT_BYTES) {
    const message = `Must be at most ${MAX_EVENT_BYTES} bytes as JSON; this one has ${bytes}.`;
    return { errors: [{ index, field: "event", message }] };
  }
  const result = v.safeParse(producedEvent, value, { abortPipeEarly: true });
  if (!result.success) {
    const inFormat = (field: string) => (Object.hasOwn(names, field) ? (names[field] ?? field) : field);
    const problems = problemsOf(result.issues);
    return { errors: problems.map(({ field, message }) => ({ index, field: inFormat(field), message })) };
  }
  return { event: result.output };
}

/**
 * An event with a uuid and a time, as the read API prints it, without what it has printed beside the content: the size of
 * an event that is sent back must not exceed the limit because of that.
 */
function withoutPrinted(value: unknown): unknown {
  if (!isObject(value) || !isShortText(value.uuid) || !isShortText(value.created)) return value;
  const { id, uuid: _uuid, created: _created, context, ...rest } = value;
  const isEmpty = isObject(context) && Object.keys(context).length === 0;
  return { ...rest, ...(typeof id === "number" ? {} : { id }), ...(isEmpty ? {} : { context }) };
}

const isShortText = (value: unknown): boolean => typeof value === "string" && value.length <= MAX_PRINTED_LENGTH;

/** The content of an event with an id leaves out the time of receipt, so that the event is equal when it is sent again. */
export async function nameEvent(
  event: ProducedEvent,
  id: GivenId | undefined,
  { producer, receivedAt }: { producer: Pick<Producer, "name">; receivedAt: number },
): Promise<NamedEvent> {
  const { message, context, event_type: eventType } = event;
  const created = event.created ?? receivedAt;
  const named = event.uuid ?? (id && (await idUuid(producer.name, id)));
  const contentTime = named === undefined ? created : (event.created ?? null);
  const content = await contentUuid({ created: contentTime, eventType, message, context });
  const hasOwnUuid = event.uuid !== undefined;
  const rest = { created, eventType, message, context: printJson(context), hasOwnUuid };
  return named === undefined || named === content ? { uuid: content, ...rest } : { uuid: named, content, ...rest };
}
