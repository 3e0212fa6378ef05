import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { ExpiringCache } from "../http/cache.ts";
import { isPluginType, objectsOf, type ToldObject } from "./objects.ts";

/** Milliseconds an isolate believes what it read of an object; a project that moved is noticed within it. */
export const OBJECT_CACHE_MS = 60_000;
const MAX_CACHED_OBJECTS = 10_000;

export type KnownObject = ToldObject;

const cache = new ExpiringCache<KnownObject>(MAX_CACHED_OBJECTS);

/** What is known of these objects (32 hex); those nobody told of are missing. At most one round trip, none when warm. */
export async function findObjects(
  db: Database,
  uuids: readonly string[],
  now: number,
): Promise<Map<string, KnownObject>> {
  const cached = uuids.flatMap((uuid) => cache.get(uuid, OBJECT_CACHE_MS, now) ?? []);
  const found = new Map(cached.map((object) => [object.uuid, object]));
  const missing = [...new Set(uuids)].filter((uuid) => !found.has(uuid));
  if (missing.length === 0) return found;
  // A resource belongs to the customer its project belongs to now.
  const rows = await db.all<Record<keyof KnownObject, string | null>>(sql`
    SELECT o.uuid, o.type, coalesce(p.customer, o.customer) AS customer, o.project, o.behind
    FROM objects AS o LEFT JOIN objects AS p ON p.uuid = o.project
    WHERE o.uuid IN (SELECT value FROM json_each(${JSON.stringify(missing)}))`);
  for (const row of rows) {
    const object = withoutNulls(row);
    cache.set(object.uuid, object, now);
    found.set(object.uuid, object);
  }
  return found;
}

/** Whether a known object is one of this type. */
export const isOfType = (object: KnownObject, type: string): boolean =>
  object.type === undefined ? isPluginType(type) : object.type === type;

function withoutNulls({ uuid, ...rest }: Record<keyof KnownObject, string | null>): KnownObject {
  return { ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)), uuid: uuid ?? "" };
}

interface Telling {
  eventType: string;
  created: number;
  /** JSON text of an object. */
  context: string;
}

/** One JSON row for each object that the events name, what newer events say over what older ones say. */
export function objectRows(events: readonly Telling[]): string[] {
  const merged = new Map<string, ToldObject & { told: number }>();
  for (const event of events.toSorted((a, b) => a.created - b.created)) {
    for (const object of objectsOf(event.eventType, JSON.parse(event.context))) {
      const before = merged.get(object.uuid);
      merged.set(object.uuid, { ...object, ...before, ...moved(object), told: event.created });
    }
  }
  return [...merged.values()].map(({ uuid, type, customer, project, behind, told }) =>
    JSON.stringify([uuid, type ?? null, customer ?? null, project ?? null, behind ?? null, told]),
  );
}

/** What a later event may change: where an object belongs, never what it is. */
const moved = ({ uuid: _, type: __, ...place }: ToldObject) => place;

/** Writes rows of `objectRows`; one that tells nothing new costs no row written. An older event changes nothing known. */
export const insertObjects = (
  rows: string,
): SQL => sql`INSERT INTO objects (uuid, type, customer, project, behind, told)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(${rows}) WHERE true
  ON CONFLICT (uuid) DO UPDATE SET
    type = coalesce(type, excluded.type),
    customer = ${newer("customer")},
    project = ${newer("project")},
    behind = ${newer("behind")},
    told = max(told, excluded.told)
  WHERE (type IS NULL AND excluded.type IS NOT NULL)
    OR customer IS NOT ${newer("customer")} OR project IS NOT ${newer("project")} OR behind IS NOT ${newer("behind")}`;

function newer(column: "customer" | "project" | "behind"): SQL {
  const name = sql.raw(column);
  return sql`(CASE WHEN excluded.told >= objects.told THEN coalesce(excluded.${name}, objects.${name}) ELSE coalesce(objects.${name}, excluded.${name}) END)`;
}
