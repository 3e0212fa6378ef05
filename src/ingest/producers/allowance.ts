import { Reader } from "../../db/reader.ts";
import { type ObjectFacts, objectsOf } from "../../events/objects/extract.ts";
import { findObjects } from "../../events/objects/find.ts";
import { type ConcernedObject, concernedObjects } from "../../events/scopes.ts";
import { HttpError, reason, unavailable } from "../../http/errors.ts";
import { withDeadline } from "../../values/deadline.ts";
import type { AcceptedEvent } from "../event.ts";
import type { Producer } from "./find.ts";

const LOOKUP_DEADLINE_MS = 2_000;
const FOREIGN = "Does not belong to the customers that the events of this producer may concern.";

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
  { types, customers, tellsPlaces }: Producer,
  events: readonly AcceptedEvent[],
  now: number,
): Promise<void> {
  if (types) refuse("types", events.length, violationsOfTypes(types, events));
  if (customers)
    refuse("customers", events.length, await violationsOfCustomers(DB, { customers, tellsPlaces }, events, now));
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

/** The objects that an event concerns or, where its producer may tell places, puts somewhere. */
function namedObjects(tellsPlaces: boolean, { eventType, context }: AcceptedEvent): ConcernedObject[] {
  const values: Record<string, unknown> = JSON.parse(context);
  const concerned = concernedObjects(eventType, values);
  const placed = tellsPlaces ? objectsOf(eventType, values).filter(({ customer, project }) => customer ?? project) : [];
  return [...concerned, ...placed.map(({ uuid }) => ({ key: "", uuid, isUser: false }))];
}

/**
 * Each object that an event concerns must be one of the customers, or an object that producers with the right to tell
 * places have put into one of them. A user belongs to no customer, but the key of a user must not name anything that is
 * known to be something else: its feed would show the event.
 */
async function violationsOfCustomers(
  DB: D1Database,
  { customers, tellsPlaces }: { customers: readonly string[]; tellsPlaces: boolean },
  events: readonly AcceptedEvent[],
  now: number,
): Promise<Violation[]> {
  const allowed = new Set(customers);
  const named = events.map((event) => namedObjects(tellsPlaces, event));
  const others = named.flatMap((objects) => objects.map(({ uuid }) => uuid)).filter((uuid) => !allowed.has(uuid));
  const known = await placesOf(DB, [...new Set(others)], now);
  const isAllowed = ({ uuid, isUser }: ConcernedObject): boolean => {
    const object = known.get(uuid);
    if (allowed.has(uuid) || allowed.has(object?.customer ?? "")) return true;
    return isUser && (object === undefined || object.type === "core.user");
  };
  return named.flatMap((objects, index) =>
    objects
      .filter((object) => !isAllowed(object))
      .map(({ key }) => ({ index, field: key ? `context.${key}` : "context", message: FOREIGN })),
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
