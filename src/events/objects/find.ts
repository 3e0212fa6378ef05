import { eq, inArray, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Reader } from "../../db/reader.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { definedOnly } from "../../values/defined.ts";
import { objects } from "../table.ts";
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
  const places = alias(objects, "places");
  const backing = alias(objects, "backing");
  const select = reader.drizzle
    .select({
      uuid: objects.uuid,
      type: objects.type,
      // A resource belongs to the customer of its project, which may have moved.
      customer: sql<string | null>`coalesce(${places.customer}, ${objects.customer})`.as("customer"),
      project: objects.project,
      // Under names of their own: a batch of D1 returns one value for each name.
      backingUuid: sql<string | null>`${backing.uuid}`.as("backing_uuid"),
      backingType: sql<string | null>`${backing.type}`.as("backing_type"),
      backingCustomer: sql<string | null>`${backing.customer}`.as("backing_customer"),
      backingProject: sql<string | null>`${backing.project}`.as("backing_project"),
    })
    .from(objects)
    .leftJoin(places, eq(places.uuid, objects.project))
    .leftJoin(backing, eq(backing.uuid, objects.backingResource))
    // One parameter, because D1 takes at most 100.
    .where(inArray(objects.uuid, sql`(SELECT value FROM json_each(${JSON.stringify(missing)}))`));
  const [rows] = await reader.drizzle.batch([select]);
  for (const { backingUuid, backingType, backingCustomer, backingProject, ...row } of rows) {
    const provider = { type: backingType, customer: backingCustomer, project: backingProject };
    const object = withoutNulls({ ...row, backingResource: canBack(provider, row) ? backingUuid : null });
    cache.set(object.uuid, object, now);
    found.set(object.uuid, object);
  }
  return found;
}

/** Whether a known object is of this type. */
export const isOfType = (object: ObjectFacts, type: string): boolean =>
  object.type === undefined ? isPluginType(type) : object.type === type;

/**
 * Whether an object can be the one that provides a resource: an object of a plugin, in the same project or, where one of
 * the two has no project, in the same customer. Anything else would show the events of a foreign object.
 */
function canBack({ type, customer, project }: Place & { type: string | null }, resource: Place): boolean {
  if (type !== null && !isPluginType(type)) return false;
  if (project !== null && resource.project !== null) return project === resource.project;
  return customer !== null && customer === resource.customer;
}

interface Place {
  customer: string | null;
  project: string | null;
}

const withoutNulls = ({ uuid, ...facts }: { [Fact in keyof ObjectFacts]-?: string | null } & { uuid: string }) => ({
  uuid,
  ...definedOnly(Object.fromEntries(Object.entries(facts).map(([fact, value]) => [fact, value ?? undefined]))),
});
