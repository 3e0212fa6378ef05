import * as v from "valibot";
import { asObject, partsOf } from "./data.ts";
import { type Draft, problemsOf } from "./format.ts";
import { keysBeside } from "./unknown.ts";

/**
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 */
const FIELDS: ReadonlySet<string> = new Set(["type", "timestamp", "data"]);

const NAMES = { event_type: "type", created: "timestamp", context: "data" };

const envelope = v.object({
  type: v.pipe(v.string("Must be text."), v.nonEmpty("Must not be empty.")),
  timestamp: v.string("Must be a time in ISO 8601 with an offset or Z."),
});

/** Whether an object without `event_type` has the shape of a message of Standard Webhooks: `{type, timestamp, data}`. */
export const isStandardWebhook = (value: Record<string, unknown>): boolean => "type" in value && "data" in value;

/**
 * The event of such a message: its type, its time, and its data as the context. The message is `data.message`, if that is
 * text, else the type.
 */
export function standardWebhookDraft(value: Record<string, unknown>): Draft {
  const result = v.safeParse(envelope, value);
  if (!result.success) return { value, problems: problemsOf(result.issues) };
  const { type, timestamp } = result.output;
  const data = asObject(value.data);
  const hasMessage = typeof data.message === "string" && data.message !== "";
  const { message, context } = hasMessage ? partsOf(data) : { message: type, context: data };
  return {
    value: { event_type: type, created: timestamp, message, context },
    names: { ...NAMES, message: hasMessage ? "data.message" : "type" },
    unknown: keysBeside(value, FIELDS),
  };
}
