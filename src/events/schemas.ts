import * as v from "valibot";
import { truncatedDecimal } from "../values/decimal.ts";
import { FIRST_SECOND, LAST_SECOND } from "../values/time.ts";
import { parseUuid } from "../values/uuid.ts";
import { EVENT_FIELDS } from "./representation.ts";

/** The largest number that Waldur's number fields accept. */
const MAX_DECIMAL = 10n ** 50n;
const ORDERINGS: readonly string[] = ["created", "-created"];

// The text of a parameter is checked here. `v.metadata` has what it stands for, with Waldur's type, for OpenAPI.

/**
 * A UNIX time in seconds, with decimals cut off towards zero. A year that does not exist is refused later, as in
 * Waldur.
 */
const unixTime = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.metadata({ type: "number" }),
    v.check((text) => truncatedDecimal(text) !== undefined, "Enter a number."),
    v.transform((text) => truncatedDecimal(text) ?? 0n),
    v.check((seconds) => seconds <= MAX_DECIMAL, "Ensure this value is less than or equal to 1e+50."),
    v.check((seconds) => seconds >= -MAX_DECIMAL, "Ensure this value is greater than or equal to -1e+50."),
  );

const uuid = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.metadata({ $ref: "#/components/schemas/Uuid" }),
    v.check((text) => parseUuid(text) !== undefined, "Enter a valid UUID."),
    v.transform((text) => parseUuid(text) ?? ""),
  );

const text = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.check((value) => !value.includes("\0"), "Null characters are not allowed."),
  );

/** Choices separated by commas; empty ones are skipped, and the first decides. */
const ordering = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.metadata({ type: "array", items: { type: "string", enum: ORDERINGS } }),
    v.transform((value) => value.split(",").filter(Boolean)),
    v.rawCheck(({ dataset, addIssue }) => {
      const bad = dataset.typed ? dataset.value.find((choice) => !ORDERINGS.includes(choice)) : undefined;
      if (bad === undefined) return;
      addIssue({ message: `Select a valid choice. ${bad} is not one of the available choices.` });
    }),
    v.transform(([first]): "created" | "-created" => (first === "created" ? "created" : "-created")),
  );

const repeated = (description: string) => v.pipe(v.array(v.string()), v.description(description));

/** Parameters of which the last value counts, trimmed except for `o`. A blank value is no filter. */
export const singleParameters = v.object({
  created_from: v.optional(unixTime("Created at or after this UNIX time (seconds, decimals cut off).")),
  created_to: v.optional(unixTime("Created before this UNIX time (seconds, decimals cut off).")),
  message: v.optional(text("The message contains this text, ignoring case. No wildcards.")),
  customer_uuid: v.optional(uuid("The context's customer_uuid.")),
  project_uuid: v.optional(uuid("The context's project_uuid.")),
  user_uuid: v.optional(uuid("The context's user_uuid: who did it.")),
  related_user_uuid: v.optional(uuid("The user is in the event's scope, or its actor, or its affected user.")),
  auth_method: v.optional(text("The context's auth_method.")),
  pat_uuid: v.optional(text("The context's pat_uuid.")),
  o: v.optional(ordering("`created` or `-created` (default); ties by ascending id.")),
});

/** Parameters that may be repeated; every value counts, untrimmed. */
export const repeatedParameters = v.object({
  event_type: v.optional(repeated("Any of these event types.")),
  feature: v.optional(repeated("Any event type of these groups; joined with event_type by AND.")),
});

/** Read by scope-url.ts; the last value counts, untrimmed. */
export const scopeParameters = v.object({
  scope: v.optional(
    v.pipe(v.string(), v.description("Only the events of this object: its URL in Waldur. Others than staff need it.")),
  ),
});

/** A field of an event, as `field=` names it. */
export const eventField = v.picklist(EVENT_FIELDS);

/** The fields of the response; not a filter. */
export const fieldParameters = v.object({
  field: v.optional(
    v.pipe(
      repeated("Only these fields; `id` is printed only when asked for. Unknown names are ignored."),
      v.metadata({ items: { $ref: "#/components/schemas/EventFieldEnum" } }),
    ),
  ),
});

/** An event in a response. Each field is optional, because `field=` may leave it out. */
export const publicEvent = v.object({
  id: v.optional(
    v.pipe(v.number(), v.integer(), v.description("Only when `field=id` asks for it; for staff and support.")),
  ),
  uuid: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-f]{32}$/),
      v.description("32 hex digits without dashes."),
      v.metadata({ $ref: "#/components/schemas/Uuid" }),
    ),
  ),
  created: v.optional(
    v.pipe(
      v.string(),
      v.description("UTC with `Z`; six digits of fraction, or none when they are zero."),
      v.metadata({ format: "date-time" }),
    ),
  ),
  event_type: v.optional(v.pipe(v.string(), v.description("What happened, such as `user_activated`."))),
  message: v.optional(v.pipe(v.string(), v.description("A sentence about it."))),
  context: v.optional(
    v.pipe(v.record(v.string(), v.unknown()), v.description("The objects, people and values of the event.")),
  ),
});

export type SingleParameters = v.InferOutput<typeof singleParameters>;

/** Whether a UNIX time is in the years 1 to 9999. */
export const isStorableSecond = (seconds: bigint): boolean => seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
