import { printable } from "./printable.ts";

const ABSENT = "-";

/**
 * A message of the feed as a line for people: time, type, message. One that is not a new event has its `op` first. What
 * is not a JSON object is shown as it is.
 */
export function pretty(line: string): string {
  const message = parsed(line);
  const words = typeof message === "object" && message !== null ? wordsOf({ ...message }) : [line];
  return words.map(printable).join("  ");
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function wordsOf(message: Record<string, unknown>): string[] {
  const { op, uuid, created_before: createdBefore } = message;
  if (op === "removed" && createdBefore !== undefined) return ["removed", `all created before ${text(createdBefore)}`];
  if (op === "removed") return ["removed", text(uuid)];
  const event = [text(message.created), text(message.event_type), text(message.message)];
  return op === undefined || op === "event" ? event : [text(op), text(uuid), ...event];
}

const text = (value: unknown): string => (value === undefined || value === null ? ABSENT : String(value));
