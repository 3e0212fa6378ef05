import { isRawNumber } from "../../values/json.ts";

/** Whether a value of `parseJson` is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** Data as an object: `{"data": 5}` for what is none, and no keys for no data. */
export function asObject(data: unknown): Record<string, unknown> {
  if (data === undefined || data === null) return {};
  return isObject(data) ? data : { data };
}

/**
 * The parts of an event's data. Data with a `message` are `{message, context}`, or the message and the keys of the context
 * beside it; other data are the context.
 */
export function partsOf(data: Record<string, unknown>): { message?: unknown; context: unknown } {
  const { message, ...rest } = data;
  if (message === undefined) return { context: rest };
  return { message, context: "context" in rest ? rest.context : rest };
}
