import { type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";
import { isVisible } from "../conditions.ts";
import type { Cursor } from "../page-token.ts";
import type { Slice } from "../row.ts";
import { events } from "../table.ts";
import type { Visibility } from "../visibility.ts";

// Raw SQL: INDEXED BY.

/**
 * The place of a cursor's event. A uuid stands for the id of an event that the actor may see, also after the event took
 * another uuid. When there is none any more, or never was one, the place is ahead of all events of its time, so that no
 * event is skipped.
 */
export function placeOf({ direction, created, event }: Cursor, visibility: Visibility): Required<Slice>["beyond"] {
  if (typeof event === "number") return { created, id: sql`${event}` };
  const seen = sql`${events.created} = ${created} AND ${isVisible(visibility, { oldestFirst: false }, undefined)}`;
  const byUuid = sql`SELECT ${events.id} FROM events INDEXED BY events_uuid WHERE ${events.uuid} = ${event} AND ${seen}`;
  // An event that was stored without an id had its content's digest as uuid.
  const renamed = sql`SELECT ${events.id} FROM events INDEXED BY events_content WHERE ${events.content} = ${event} AND ${seen}`;
  return { created, id: sql`coalesce((${byUuid}), (${renamed}), ${aheadOfAll(direction)})` };
}

const aheadOfAll = (direction: Cursor["direction"]): SQL =>
  integer(direction === "after" ? 0 : Number.MAX_SAFE_INTEGER);
