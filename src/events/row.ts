import { sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE } from "../catalogue/data.ts";
import { numberAt, type Row, textAt } from "../db/reader.ts";
import type { Range } from "../values/periods.ts";
import type { Cursor } from "./page-token.ts";
import { events, eventTypes } from "./table.ts";

/** What a query gives for one event. `otherType`: the type's name where the catalogue does not know its number. */
export interface EventRow {
  id: number;
  uuid: string;
  created: number;
  type: number;
  otherType: string | null;
  message: string;
  context: string;
}

/** Columns of one event; the name of a type only where the catalogue does not know the number. */
export const eventColumns = sql`${events.id} AS id, ${events.uuid} AS uuid, ${events.created} AS created, ${events.type} AS type,
  CASE WHEN ${events.type} >= ${sql.raw(String(FIRST_UNKNOWN_TYPE))} THEN (SELECT ${eventTypes.name} FROM ${eventTypes} WHERE ${eventTypes.id} = ${events.type}) END AS other_type,
  ${events.message} AS message, ${events.context} AS context`;

export const eventRow = (row: Row): EventRow => ({
  id: numberAt(row, "id"),
  uuid: textAt(row, "uuid"),
  created: numberAt(row, "created"),
  type: numberAt(row, "type"),
  otherType: row.other_type === null ? null : textAt(row, "other_type"),
  message: textAt(row, "message"),
  context: textAt(row, "context"),
});

/** Which rows of a series: in list order (or against it, to walk back), from a place, so many. */
export interface Slice {
  /** The order rows come in: the list's own, or the other way round. */
  backwards: boolean;
  range: Range;
  /** Only what lies beyond this place, in the direction of walking. */
  beyond?: Pick<Cursor, "created" | "id">;
  offset: number;
  limit: number;
  /** At most so many rows of the series are looked at for a match, from the beginning. */
  scan?: number;
}
