import { type SQL, sql } from "drizzle-orm";
import { typeNumber } from "../../catalogue/data.ts";
import type { NewEvent } from "../event.ts";
import { type ObjectFacts, objectsOf } from "./extract.ts";

// Raw SQL: rows travel as one parameter through json_each.

/** The fields of an event that objects are learned from. */
export type Source = Pick<
  NewEvent,
  "uuid" | "eventType" | "created" | "receivedAt" | "context" | "producer" | "tellsPlaces"
>;

/** An object that belongs to another customer than before, because an event says so. UUIDs are 32 hex digits. */
export interface Move {
  object: string;
  oldCustomer: string;
  newCustomer: string;
  producer: string;
  /** The uuid of the event. */
  said: string;
}

/**
 * Rows `id`, `uuid`, `type`, `created`, `received_at`, `producer` and `context` of the stored events of some producers
 * after an id, at most `limit`.
 */
export const eventsToLearnFrom = (producers: readonly string[], after: number, limit: number): SQL =>
  sql`SELECT events.id, events.uuid, coalesce(type_name, name) AS type, created, received_at, events.producer, context
    FROM events LEFT JOIN event_types ON event_types.id = type
    WHERE events.id > ${after} AND events.producer IN (SELECT value FROM json_each(${JSON.stringify(producers)}))
    ORDER BY events.id LIMIT ${limit}`;

/**
 * One JSON row for each object that the events name. Newer events override older ones; an event counts as no newer than
 * its receipt. Events teach nothing when their producer may not tell places, or when the catalogue does not know their
 * type.
 */
export function objectRows(events: readonly Source[]): string[] {
  const merged = new Map<string, ObjectFacts & { learnedAt: number; source: Source }>();
  const teaching = events.filter(({ tellsPlaces, eventType }) => tellsPlaces && typeNumber(eventType) !== undefined);
  const dated = teaching.map((source) => ({ source, learnedAt: Math.min(source.created, source.receivedAt) }));
  for (const { source, learnedAt } of dated.sort((a, b) => a.learnedAt - b.learnedAt)) {
    for (const object of objectsOf(source.eventType, JSON.parse(source.context))) {
      const before = merged.get(object.uuid);
      merged.set(object.uuid, { ...object, ...before, ...placeIn(object), learnedAt, source });
    }
  }
  return [...merged.values()].map(({ uuid, type, customer, project, backingResource, learnedAt, source }) => {
    const facts = [uuid, type ?? null, customer ?? null, project ?? null, backingResource ?? null, learnedAt];
    return JSON.stringify([...facts, source.producer, source.uuid, source.receivedAt]);
  });
}

/** The part that a later event may change: the place of an object, never its type. */
const placeIn = ({ uuid: _, type: __, ...place }: ObjectFacts) => place;

/** Keeps a row for each object that `insertObjects` is going to move to another customer, and returns it. */
export const insertMoves = (
  rows: string,
): SQL => sql`INSERT INTO object_moves (object, old_customer, new_customer, producer, event, received_at)
  SELECT objects.uuid, objects.customer, value->>2, value->>6, value->>7, value->>8
  FROM json_each(${rows}) CROSS JOIN objects ON objects.uuid = value->>0
  WHERE objects.customer <> value->>2 AND value->>5 >= objects.learned_at
  RETURNING object, old_customer, new_customer, producer, event`;

/** A row that `insertMoves` returns. */
export const toMove = (row: Record<string, unknown>): Move => ({
  object: String(row.object),
  oldCustomer: String(row.old_customer),
  newCustomer: String(row.new_customer),
  producer: String(row.producer),
  said: String(row.event),
});

/** Writes rows of `objectRows`. A row without news costs no row written; an older event never overrides a newer one. */
export const insertObjects = (
  rows: string,
): SQL => sql`INSERT INTO objects (uuid, type, customer, project, backing_resource, learned_at, producer)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM json_each(${rows}) WHERE true
  ON CONFLICT (uuid) DO UPDATE SET
    type = coalesce(type, excluded.type),
    customer = ${newer("customer")},
    project = ${newer("project")},
    backing_resource = ${newer("backing_resource")},
    learned_at = max(learned_at, excluded.learned_at),
    producer = excluded.producer
  WHERE (type IS NULL AND excluded.type IS NOT NULL)
    OR customer IS NOT ${newer("customer")} OR project IS NOT ${newer("project")} OR backing_resource IS NOT ${newer("backing_resource")}`;

function newer(column: "customer" | "project" | "backing_resource"): SQL {
  const name = sql.raw(column);
  return sql`(CASE WHEN excluded.learned_at >= objects.learned_at THEN coalesce(excluded.${name}, objects.${name}) ELSE coalesce(objects.${name}, excluded.${name}) END)`;
}
