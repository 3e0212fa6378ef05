import { isObject } from "./data.ts";
import { type Draft, type Format, parsed } from "./format.ts";
import { isStandardWebhook, standardWebhookDraft } from "./standard-webhook.ts";
import { keysBeside } from "./unknown.ts";

const FIELDS: ReadonlySet<string> = new Set(["uuid", "created", "event_type", "message", "context"]);

/** The JSON that a Waldur web hook posts: one event, or an array of events. */
export const readWaldurJson: Format = async (body) => {
  const value = parsed(await body.text(), "The body");
  return { drafts: (Array.isArray(value) ? value : [value]).map(jsonDraft) };
};

/** One event as JSON, in Waldur's shape or in that of Standard Webhooks. */
export function jsonDraft(value: unknown): Draft {
  if (Array.isArray(value)) return { value, problems: [ARRAY] };
  if (isObject(value) && !("event_type" in value)) {
    if ("specversion" in value) return { value, problems: [CLOUD_EVENT] };
    if (isStandardWebhook(value)) return standardWebhookDraft(value);
  }
  return { value, unknown: keysBeside(value, FIELDS) };
}

const ARRAY = { field: "event", message: "Must be an object, not an array. Send an array as application/json." };

const CLOUD_EVENT = {
  field: "specversion",
  message: "Is for CloudEvents; send the header Content-Type: application/cloudevents+json.",
};
