import { and, eq, or, type SQL, sql } from "drizzle-orm";
import { type Database, runBatch } from "../../db/client.ts";
import { events } from "../table.ts";
import { storedContent } from "./identity.ts";

// Raw SQL where a list travels as one parameter through json_each, or a fragment serves a statement of another table.

/** What identifies a stored event beside its uuid. */
export interface StoredIdentity {
  /** The digest of its content. */
  content: string;
  /** Microseconds. */
  created: number;
  producer: string;
  isUpstream: boolean;
}

/** The stored events of these uuids (32 hex digits), by uuid. One row read for each that is stored. */
export async function storedIdentities(db: Database, uuids: readonly string[]): Promise<Map<string, StoredIdentity>> {
  const wanted = sql`(SELECT value FROM json_each(${JSON.stringify(uuids)}))`;
  const [found] = await runBatch(db, [
    sql`SELECT ${events.uuid} AS uuid, ${storedContent} AS content, ${events.created} AS created, ${events.producer} AS producer,
      ${events.upstream} AS upstream
      FROM ${events} WHERE ${events.uuid} IN ${wanted}`,
  ]);
  const entries = found?.results.map(({ uuid, content, created, producer, upstream }): [string, StoredIdentity] => [
    String(uuid),
    { content: String(content), created: Number(created), producer: String(producer), isUpstream: upstream === 1 },
  ]);
  return new Map(entries);
}

/** The stored event of a uuid, if it has this content. */
export const selectNamed = (db: Database, uuid: string, content: string) =>
  db
    .select({ id: events.id, uuid: events.uuid })
    .from(events)
    .where(and(eq(events.uuid, uuid), eq(storedContent, content)));

/** The stored event of a uuid, if this producer sent it. */
export const selectSent = (db: Database, uuid: string, producer: string) =>
  db
    .select({ id: events.id, uuid: events.uuid })
    .from(events)
    .where(and(eq(events.uuid, uuid), eq(events.producer, producer)));

/**
 * The stored event of a content that stands for the one that a producer sent with a uuid, where that uuid is not its own any
 * more: an event of the producer, of upstream, or, when upstream has taken the uuid, any event.
 */
export function selectEqual(
  db: Database,
  { uuid, content, created }: { uuid: string; content: string; created: number },
  producer: string,
) {
  const isUpstream = and(eq(events.upstream, 1), eq(events.created, created));
  const isTaken = sql`EXISTS (SELECT 1 FROM events AS taker WHERE taker.uuid = ${uuid} AND taker.upstream = 1)`;
  const named = and(eq(events.content, content), or(isUpstream, eq(events.producer, producer), isTaken));
  return db
    .select({ id: events.id, uuid: events.uuid })
    .from(events)
    .where(or(named, and(eq(events.uuid, content), isUpstream)))
    .limit(1);
}

/** A condition: an event with this uuid and this content is stored. The arguments are columns. */
export const isStored = (uuid: SQL, content: SQL): SQL =>
  sql`EXISTS (SELECT 1 FROM events WHERE events.uuid = ${uuid} AND ${storedContent} = ${content})`;

/**
 * A query for the settled events of a delivery, in the transaction that writes them: `value`, the incoming row, and
 * `outcome`, `stored` or `duplicate`. Left out are conflicts and, without `again`, events that this very request stored
 * before, as the queue has delivered it again. `rows`: JSON, each row begins with [uuid, content, producer, receivedAt,
 * isFirst].
 */
export const settledEvents = (rows: string, { again = false } = {}): SQL => sql`SELECT incoming.value AS value,
    CASE WHEN events.id > marked_end AND incoming.value->>4 = 1 THEN 'stored' ELSE 'duplicate' END AS outcome
  FROM json_each(${rows}) AS incoming CROSS JOIN commit_watermark
    LEFT JOIN events ON events.uuid = incoming.value->>0
  WHERE events.id IS NULL
    OR (${storedContent} = incoming.value->>1
      AND (${sql.raw(again ? "1" : "0")} OR events.id > marked_end OR events.received_at <> incoming.value->>3 OR events.producer <> incoming.value->>2))`;
