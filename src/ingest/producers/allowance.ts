import { Reader } from "../../db/reader.ts";
import type { ObjectFacts } from "../../events/objects/extract.ts";
import { findObjects } from "../../events/objects/find.ts";
import { placedObjects } from "../../events/scopes.ts";
import { HttpError, reason, unavailable } from "../../http/errors.ts";
import { withDeadline } from "../deadline.ts";
import type { AcceptedEvent } from "../event.ts";
import type { Producer } from "./find.ts";

const LOOKUP_DEADLINE_MS = 2_000;

interface Violation {
  index: number;
  field: string;
  message: string;
}

/**
 * Throws 403, which names the rule and every event that breaks it, when a producer sends an event that it may not send. No
 * event of the request is accepted then. Reads objects when the producer is limited to customers. `now` in milliseconds.
 */
export async function assertAllowed(
  DB: D1Database,
  { types, customers }: Producer,
  events: readonly AcceptedEvent[],
  now: number,
): Promise<void> {
  if (types) refuse("types", events.length, violationsOfTypes(types, events));
  if (customers) refuse("customers", events.length, await violationsOfCustomers(DB, customers, events, now));
}

function refuse(rule: string, events: number, errors: readonly Violation[]): void {
  if (errors.length === 0) return;
  const bad = new Set(errors.map(({ index }) => index)).size;
  const detail = `The rule "${rule}" of this producer does not allow ${bad} of ${events} events; none was accepted.`;
  throw new HttpError(403, { detail, rule, errors });
}

function violationsOfTypes(types: readonly string[], events: readonly AcceptedEvent[]): Violation[] {
  const names = new Set(types);
  const prefixes = types.filter((type) => type.endsWith("*")).map((type) => type.slice(0, -1));
  return events.flatMap(({ eventType }, index) => {
    if (names.has(eventType) || prefixes.some((prefix) => eventType.startsWith(prefix))) return [];
    return [{ index, field: "event_type", message: "Is not among the types that this producer may send." }];
  });
}

/**
 * Each object that an event puts itself to must be one of the customers, or an object that producers with the right to tell
 * places have put into one of them. Names of users are not checked.
 */
async function violationsOfCustomers(
  DB: D1Database,
  customers: readonly string[],
  events: readonly AcceptedEvent[],
  now: number,
): Promise<Violation[]> {
  const allowed = new Set(customers);
  const named = events.map(({ eventType, context }) => placedObjects(eventType, JSON.parse(context)));
  const others = named.flatMap((objects) => [...objects.values()]).filter((uuid) => !allowed.has(uuid));
  const known = await placesOf(DB, [...new Set(others)], now);
  return named.flatMap((objects, index) =>
    [...objects].flatMap(([key, uuid]) => {
      if (allowed.has(uuid) || allowed.has(known.get(uuid)?.customer ?? "")) return [];
      const message = "Does not belong to the customers that the events of this producer may concern.";
      return [{ index, field: `context.${key}`, message }];
    }),
  );
}

async function placesOf(DB: D1Database, objects: readonly string[], now: number) {
  if (objects.length === 0) return new Map<string, ObjectFacts>();
  try {
    const found = findObjects(new Reader(DB), objects, now);
    return await withDeadline(found, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "objects_not_read", error: reason(error).error }));
    throw unavailable("The rules of this producer could not be checked; send the events again.");
  }
}
