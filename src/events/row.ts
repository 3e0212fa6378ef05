import { type SQL, sql } from "drizzle-orm";
import { knownEventTypes, OTHER_TYPE } from "../catalogue/data.ts";
import { numberAt, type Row, textAt } from "../db/reader.ts";
import { integer, textOf } from "../db/sql.ts";
import type { Range } from "../values/periods.ts";
import { events } from "./table.ts";

/** An event as the statements return it. `otherType`: the name of a type that the catalogue does not know. */
export interface EventRow {
  id: number;
  uuid: string;
  created: number;
  type: number;
  otherType: string | null;
  message: string;
  context: string;
  /** Bytes that message and context would take up in a response, where they were not read and are empty; else 0. */
  unread: number;
}

/** The name of a type that the catalogue does not know; of one that only a newer version of it knows, from its table. */
const otherType = sql`CASE WHEN ${events.type} > ${integer(knownEventTypes.length)} AND ${events.type} < ${integer(OTHER_TYPE)}
    THEN (SELECT name FROM event_types WHERE event_types.id = ${events.type}) ELSE ${events.typeName} END`;

/** The columns of an event besides its content, as SQL. */
export const KEY_COLUMNS: string =
  textOf(sql`${events.id} AS id, ${events.uuid} AS uuid, ${events.created} AS created, ${events.type} AS type,
  ${otherType} AS other_type`);

/** The columns of a whole event. */
export const eventColumns = sql.raw(
  `${KEY_COLUMNS}, ${textOf(sql`${events.message} AS message, ${events.context} AS context`)}, 0 AS unread`,
);

/** A row with the columns of `eventColumns`, typed. */
export const eventRow = (row: Row): EventRow => ({
  id: numberAt(row, "id"),
  uuid: textAt(row, "uuid"),
  created: numberAt(row, "created"),
  type: numberAt(row, "type"),
  otherType: row.other_type === null ? null : textAt(row, "other_type"),
  message: textAt(row, "message"),
  context: textAt(row, "context"),
  unread: numberAt(row, "unread"),
});

/** The rows of these ids, in any order. */
export const rowsStatement = (columns: SQL, ids: readonly number[]): SQL =>
  sql`SELECT ${columns} FROM json_each(${JSON.stringify(ids)}) AS wanted CROSS JOIN events ON events.id = wanted.value`;

/** The wanted rows of a series. */
export interface Slice {
  /** Those of a row: `eventColumns`, or the same names. */
  columns: SQL;
  /** Whether rows come against the order of the list, to walk back from a cursor or from the end. */
  backwards: boolean;
  range: Range;
  /** Only rows ahead of the event with this time and id, in the direction of walking. */
  beyond?: { created: number; id: SQL };
  offset: number;
  limit: number;
  /** Only events up to this id: those that a snapshot read before has. */
  upto?: number;
  /** The number of rows, from the first, that are scanned for matches; unlimited when absent. */
  scan?: number;
  /** With `scan`: a condition for the scanned rows, which are called `keys`. */
  also?: SQL;
}
