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
export function placeOf(cursor: Cursor, visibility: Visibility): Required<Slice>["beyond"] {
  const { direction, created, event } = cursor;
  if (typeof event === "number") return { created, id: sql`${event}` };
  return { created, id: sql`coalesce(${idOf(created, event, visibility)}, ${aheadOfAll(direction)})` };
}

/** One row when the cursor's event exists; for a cursor with a uuid. */
export const existsStatement = ({ created, event }: Cursor, visibility: Visibility): SQL =>
  sql`SELECT 1 WHERE coalesce(${idOf(created, String(event), visibility)}, 0) > 0`;

/** Two scalars. An event that was stored without an id had its content's digest as uuid. */
function idOf(created: number, uuid: string, visibility: Visibility): SQL {
  const seen = sql`${events.created} = ${created} AND ${isVisible(visibility, { oldestFirst: false }, undefined)}`;
  const byUuid = sql`SELECT ${events.id} FROM events INDEXED BY events_uuid WHERE ${events.uuid} = ${uuid} AND ${seen}`;
  const renamed = sql`SELECT ${events.id} FROM events INDEXED BY events_content WHERE ${events.content} = ${uuid} AND ${seen}`;
  return sql`(${byUuid}), (${renamed})`;
}

const aheadOfAll = (direction: Cursor["direction"]): SQL =>
  integer(direction === "after" ? 0 : Number.MAX_SAFE_INTEGER);
