import * as v from "valibot";
import { microsecondsNow } from "../events/time.ts";
import { badRequest, HttpError } from "../http/errors.ts";
import { MAX_EVENT_BYTES, type ProducedEvent, producedEvent } from "./event.ts";
import { readNdjson, readWaldurJson } from "./formats/waldur.ts";
import { contentUuid } from "./identity.ts";
import { type AcceptedEvent, byteLength } from "./message.ts";

/** Events in one request. */
export const MAX_EVENTS = 1_000;

/** Content type → how its body is read. */
export const FORMATS: Readonly<Record<string, (body: string) => unknown[]>> = {
  "application/json": readWaldurJson,
  "application/x-ndjson": readNdjson,
};

interface EventError {
  index: number;
  field: string;
  message: string;
}

/**
 * The events in a request body, checked and named. Throws 415 for a content type nobody reads, 400 for a body that
 * cannot be read, and one 400 that lists every problem of every bad event; nothing is accepted then.
 */
export async function acceptEvents(contentType: string | undefined, body: string, now = microsecondsNow()) {
  const produced = reader(contentType)(body);
  if (produced.length === 0) throw badRequest({ detail: "There is no event in the body." });
  if (produced.length > MAX_EVENTS) {
    throw badRequest({ detail: `At most ${MAX_EVENTS} events fit in one request; this one has ${produced.length}.` });
  }
  const checked = produced.map(checkEvent);
  const errors = checked.flatMap((result) => ("errors" in result ? result.errors : []));
  if (errors.length > 0) {
    const bad = new Set(errors.map((error) => error.index)).size;
    throw badRequest({ detail: `${bad} of ${produced.length} events are not valid; none was accepted.`, errors });
  }
  return Promise.all(checked.flatMap((result) => ("event" in result ? nameEvent(result.event, now) : [])));
}

function reader(contentType: string | undefined): (body: string) => unknown[] {
  const mediaType = contentType?.split(";")[0]?.trim().toLowerCase() ?? "application/json";
  const read = Object.hasOwn(FORMATS, mediaType) ? FORMATS[mediaType] : undefined;
  if (read) return read;
  const known = Object.keys(FORMATS);
  throw new HttpError(415, { detail: `Content-Type must be one of: ${known.join(", ")}.`, supported: known });
}

function checkEvent(value: unknown, index: number): { event: ProducedEvent } | { errors: EventError[] } {
  const result = v.safeParse(producedEvent, value, { abortPipeEarly: true });
  if (!result.success) {
    const errors = result.issues.map((issue) => ({
      index,
      field: v.getDotPath(issue) ?? "event",
      message: told(issue),
    }));
    return { errors };
  }
  const bytes = byteLength(JSON.stringify(value));
  if (bytes <= MAX_EVENT_BYTES) return { event: result.output };
  const message = `Must be at most ${MAX_EVENT_BYTES} bytes as JSON; this one has ${bytes}.`;
  return { errors: [{ index, field: "event", message }] };
}

/** Our own sentence; for a missing key, valibot's is about types. */
function told(issue: v.BaseIssue<unknown>): string {
  return issue.kind === "schema" && issue.type === "object" && issue.received === "undefined"
    ? "Is required."
    : issue.message;
}

async function nameEvent(event: ProducedEvent, now: number): Promise<AcceptedEvent> {
  const { message, context, event_type: eventType } = event;
  const created = event.created ?? now;
  const uuid = event.uuid ?? (await contentUuid({ created, eventType, message, context }));
  return { uuid, created, eventType, message, context: JSON.stringify(context) };
}
