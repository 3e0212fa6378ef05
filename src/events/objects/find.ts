import { sql } from "drizzle-orm";
import { type Reader, type Row, textAt } from "../../db/reader.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { isPluginType, type ObjectFacts } from "./extract.ts";

/** Milliseconds that an isolate uses what it has read of an object. A project that moves is noticed within it. */
export const OBJECT_CACHE_MS = 60_000;
const MAX_CACHED_OBJECTS = 10_000;

const cache = new ExpiringCache<ObjectFacts>(MAX_CACHED_OBJECTS);

/**
 * The known facts about objects (32 hex digits); unknown objects are left out. At most one round trip, none when
 * warm.
 */
export async function findObjects(
  reader: Reader,
  uuids: readonly string[],
  now: number,
): Promise<Map<string, ObjectFacts>> {
  const cached = uuids.flatMap((uuid) => cache.get(uuid, OBJECT_CACHE_MS, now) ?? []);
  const found = new Map(cached.map((object) => [object.uuid, object]));
  const missing = [...new Set(uuids)].filter((uuid) => !found.has(uuid));
  if (missing.length === 0) return found;
  // A resource belongs to the customer its project belongs to now.
  const statement = sql`SELECT o.uuid, o.type, coalesce(p.customer, o.customer) AS customer, o.project, o.backing_resource AS "backingResource"
    FROM objects AS o LEFT JOIN objects AS p ON p.uuid = o.project
    WHERE o.uuid IN (SELECT value FROM json_each(${JSON.stringify(missing)}))`;
  const [rows = []] = await reader.read([statement]);
  for (const row of rows) {
    const object = withoutNulls(row);
    cache.set(object.uuid, object, now);
    found.set(object.uuid, object);
  }
  return found;
}

/** Whether a known object is of this type. */
export const isOfType = (object: ObjectFacts, type: string): boolean =>
  object.type === undefined ? isPluginType(type) : object.type === type;

function withoutNulls(row: Row): ObjectFacts {
  const known = Object.entries(row).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(known.map(([column, value]) => [column, String(value)])), uuid: textAt(row, "uuid") };
}
