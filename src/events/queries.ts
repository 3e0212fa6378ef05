import { asc, count, desc, eq, type SQL, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import type { PageRequest } from "./pagination.ts";
import type { EventRow } from "./representation.ts";
import { events, eventTypes } from "./table.ts";

const columns = {
  id: events.id,
  uuid: events.uuid,
  created: events.created,
  type: events.type,
  otherType: sql<
    string | null
  >`CASE WHEN ${events.type} >= 1000 THEN (SELECT ${eventTypes.name} FROM ${eventTypes} WHERE ${eventTypes.id} = ${events.type}) END`,
  message: events.message,
  context: events.context,
};

/** One page of the events and the number of all of them, in one round trip. */
export async function listEvents(db: Database, where: SQL | undefined, oldestFirst: boolean, page: PageRequest) {
  const order = oldestFirst ? asc(events.created) : desc(events.created);
  const list = db.select(columns).from(events).where(where).orderBy(order, asc(events.id));
  const [[total], rows] = await db.batch([
    countQuery(db, where),
    list.limit(page.size).offset(firstRow(db, where, page) as unknown as number),
  ]);
  return { total: total?.total ?? 0, rows };
}

/** The number of matching events. */
export async function countEvents(db: Database, where: SQL | undefined): Promise<number> {
  const [row] = await countQuery(db, where);
  return row?.total ?? 0;
}

/** The event with this id (integer) or uuid (32 hex), if the condition lets it through. */
export async function findEvent(
  db: Database,
  key: number | string,
  where: SQL | undefined,
): Promise<EventRow | undefined> {
  const same = typeof key === "number" ? eq(events.id, key) : eq(events.uuid, key);
  const [row] = await db
    .select(columns)
    .from(events)
    .where(sql`${same} AND ${where ?? sql`1`}`);
  return row;
}

const countQuery = (db: Database, where: SQL | undefined) => db.select({ total: count() }).from(events).where(where);

/** How many events come before the page; for the last page the database has to count them first. */
function firstRow(db: Database, where: SQL | undefined, { number, size }: PageRequest): SQL {
  if (number !== "last") return sql`${(number - 1) * size}`;
  return sql`(SELECT max(total - 1, 0) / ${sql.raw(String(size))} * ${sql.raw(String(size))} FROM (${db
    .select({ total: sql`count(*)`.as("total") })
    .from(events)
    .where(where)}))`;
}
