import { sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE } from "../../catalogue/data.ts";
import { integer } from "../../db/sql.ts";
import { earlierTypes, eventTypes, objectMoves, objects } from "../table.ts";

/**
 * Tables of events that a backup has row by row, besides the log: what was learned of objects, and the numbers of types that
 * the catalogue does not know. The key is the primary key, in the order in which the rows are read.
 */
export const keptEventTables = [
  {
    table: eventTypes,
    key: [eventTypes.id],
    where: sql`${eventTypes.id} >= ${integer(FIRST_UNKNOWN_TYPE)}`,
  },
  { table: earlierTypes, key: [earlierTypes.name, earlierTypes.type] },
  { table: objects, key: [objects.uuid] },
  { table: objectMoves, key: [objectMoves.id] },
] as const;

/** Tables of events that are in the lines of the log. */
export const LOG_TABLES = ["events", "event_scopes", "log_changes", "commit_watermark"] as const;

/** Tables of events that a restore computes, or that fill by themselves. */
export const DERIVED_TABLES = [
  "counters",
  "event_index",
  "change_index",
  "event_terms",
  "search_totals",
  "search_keys",
] as const;
