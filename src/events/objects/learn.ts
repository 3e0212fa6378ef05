import { type SQL, sql } from "drizzle-orm";
import { type ObjectFacts, objectsOf } from "./extract.ts";

/** The fields of an event that objects are learned from. */
interface Source {
  eventType: string;
  created: number;
  /** JSON text of an object. */
  context: string;
}

/** Rows `id`, `type`, `created`, `context` of the stored events after an id, at most `limit`. */
export const eventsToLearnFrom = (after: number, limit: number): SQL =>
  sql`SELECT events.id, name AS type, created, context FROM events JOIN event_types ON event_types.id = type
    WHERE events.id > ${after} ORDER BY events.id LIMIT ${limit}`;

/** One JSON row for each object that the events name. Newer events override older ones. */
export function objectRows(events: readonly Source[]): string[] {
  const merged = new Map<string, ObjectFacts & { learnedAt: number }>();
  for (const event of events.toSorted((a, b) => a.created - b.created)) {
    for (const object of objectsOf(event.eventType, JSON.parse(event.context))) {
      const before = merged.get(object.uuid);
      merged.set(object.uuid, { ...object, ...before, ...moved(object), learnedAt: event.created });
    }
  }
  return [...merged.values()].map(({ uuid, type, customer, project, backingResource, learnedAt }) =>
    JSON.stringify([uuid, type ?? null, customer ?? null, project ?? null, backingResource ?? null, learnedAt]),
  );
}

/** The part that a later event may change: the place of an object, never its type. */
const moved = ({ uuid: _, type: __, ...place }: ObjectFacts) => place;

/** Writes rows of `objectRows`. A row without news costs no row written; an older event never overrides a newer one. */
export const insertObjects = (
  rows: string,
): SQL => sql`INSERT INTO objects (uuid, type, customer, project, backing_resource, learned_at)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(${rows}) WHERE true
  ON CONFLICT (uuid) DO UPDATE SET
    type = coalesce(type, excluded.type),
    customer = ${newer("customer")},
    project = ${newer("project")},
    backing_resource = ${newer("backing_resource")},
    learned_at = max(learned_at, excluded.learned_at)
  WHERE (type IS NULL AND excluded.type IS NOT NULL)
    OR customer IS NOT ${newer("customer")} OR project IS NOT ${newer("project")} OR backing_resource IS NOT ${newer("backing_resource")}`;

function newer(column: "customer" | "project" | "backing_resource"): SQL {
  const name = sql.raw(column);
  return sql`(CASE WHEN excluded.learned_at >= objects.learned_at THEN coalesce(excluded.${name}, objects.${name}) ELSE coalesce(objects.${name}, excluded.${name}) END)`;
}
