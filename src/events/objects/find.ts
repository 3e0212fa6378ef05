import { sql } from "drizzle-orm";
import { type Reader, type Row, textAt } from "../../db/reader.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { isPluginType, type ToldObject } from "./extract.ts";

/** Milliseconds an isolate believes what it read of an object; a project that moved is noticed within it. */
export const OBJECT_CACHE_MS = 60_000;
const MAX_CACHED_OBJECTS = 10_000;

export type KnownObject = ToldObject;

const cache = new ExpiringCache<KnownObject>(MAX_CACHED_OBJECTS);

/** What is known of these objects (32 hex); those nobody told of are missing. At most one round trip, none when warm. */
export async function findObjects(
  reader: Reader,
  uuids: readonly string[],
  now: number,
): Promise<Map<string, KnownObject>> {
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

/** Whether a known object is one of this type. */
export const isOfType = (object: KnownObject, type: string): boolean =>
  object.type === undefined ? isPluginType(type) : object.type === type;

function withoutNulls(row: Row): KnownObject {
  const told = Object.entries(row).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(told.map(([column, value]) => [column, String(value)])), uuid: textAt(row, "uuid") };
}
