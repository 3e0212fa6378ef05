import * as v from "valibot";
import type { NewEvent } from "../events/event.ts";
import { isRawNumber } from "../values/json.ts";
import { FIRST_TIME, LAST_TIME, parseTime, printTime } from "../values/time.ts";
import { parseUuid } from "../values/uuid.ts";

/** Events in one request. */
export const MAX_EVENTS = 1_000;
/** Characters (code points). */
export const MAX_EVENT_TYPE_LENGTH = 100;
/** Bytes of one event as compact JSON. */
export const MAX_EVENT_BYTES = 64 * 1024;
/** Levels of objects and lists in a context; SQLite's JSON functions refuse more than 1,000. */
export const MAX_CONTEXT_DEPTH = 100;

const plainText = v.pipe(
  v.string("Must be text."),
  v.check((text) => !text.includes("\0"), "Must not contain NUL characters."),
  v.check((text) => text.isWellFormed(), "Must be valid Unicode: it contains half of a surrogate pair."),
);

const eventType = v.pipe(
  plainText,
  v.nonEmpty("Must not be empty."),
  v.check((text) => [...text].length <= MAX_EVENT_TYPE_LENGTH, `Must be at most ${MAX_EVENT_TYPE_LENGTH} characters.`),
);

/** The first and the last time, which OpenAPI and errors name. */
const TIMES = `${printTime(FIRST_TIME)} to ${printTime(LAST_TIME)}`;
const OUTSIDE = `Must lie in the time from ${TIMES}.`;

const created = v.pipe(
  v.string("Must be a time in ISO 8601 with an offset or Z."),
  v.description(`When it happened, from ${TIMES}; without it, the time of receipt.`),
  v.metadata({ format: "date-time" }),
  v.check((text) => parseTime(text) !== undefined, "Must be a time in ISO 8601 with an offset or Z."),
  v.transform((text) => parseTime(text) ?? 0),
  v.minValue(FIRST_TIME, OUTSIDE),
  v.maxValue(LAST_TIME, OUTSIDE),
);

const uuid = v.pipe(
  v.string("Must be a UUID."),
  v.description("Names the event for good; without it, the server derives one."),
  v.metadata({ $ref: "#/components/schemas/Uuid" }),
  v.check((text) => parseUuid(text) !== undefined, "Must be a UUID."),
  v.transform((text) => parseUuid(text) ?? ""),
);

const context = v.pipe(
  v.custom<Record<string, unknown>>(isPlainObject, "Must be an object."),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? problemInside(dataset.value, 1) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

/** An event as producers send it: the JSON of Waldur's web hooks, optionally with a uuid. Other keys are ignored. */
export const producedEvent = v.object(
  {
    uuid: v.optional(uuid),
    created: v.optional(created),
    event_type: eventType,
    message: v.pipe(plainText, v.nonEmpty("Must not be empty.")),
    context: v.optional(context, {}),
  },
  "Must be an object.",
);

/** An event of a request after its check: `uuid` is 32 hex digits, `created` is microseconds. */
export type ProducedEvent = v.InferOutput<typeof producedEvent>;

/** An accepted event. Its sender and its time of receipt are those of the request, so a queue message has them once. */
export type AcceptedEvent = Omit<NewEvent, "producer" | "receivedAt" | "tellsPlaces" | "isUpstream">;

function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The first value in a context that cannot be stored: NUL, half a surrogate pair, or too many levels. */
function problemInside(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return problemOfText(value);
  if (typeof value !== "object" || value === null || isRawNumber(value)) return undefined;
  if (depth > MAX_CONTEXT_DEPTH) return `Must not be nested deeper than ${MAX_CONTEXT_DEPTH} levels.`;
  for (const [key, item] of Object.entries(value)) {
    const problem = problemOfText(key) ?? problemInside(item, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfText(text: string): string | undefined {
  if (text.includes("\0")) return "Must not contain NUL characters.";
  return text.isWellFormed() ? undefined : "Must be valid Unicode: it contains half of a surrogate pair.";
}
