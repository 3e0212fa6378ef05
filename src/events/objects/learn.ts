import { type SQL, sql } from "drizzle-orm";
import { objectsOf, type ToldObject } from "./extract.ts";

interface Telling {
  eventType: string;
  created: number;
  /** JSON text of an object. */
  context: string;
}

/** One JSON row for each object that the events name, what newer events say over what older ones say. */
export function objectRows(events: readonly Telling[]): string[] {
  const merged = new Map<string, ToldObject & { learnedAt: number }>();
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

/** What a later event may change: where an object belongs, never what it is. */
const moved = ({ uuid: _, type: __, ...place }: ToldObject) => place;

/** Writes rows of `objectRows`; one that tells nothing new costs no row written. An older event changes nothing known. */
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
