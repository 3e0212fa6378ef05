import { sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../db/reader.ts";
import type { Range } from "../values/periods.ts";
import type { Cursor } from "./page-token.ts";
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
}

/** The columns of an event. */
export const eventColumns = sql`${events.id} AS id, ${events.uuid} AS uuid, ${events.created} AS created, ${events.type} AS type,
  ${events.typeName} AS other_type, ${events.message} AS message, ${events.context} AS context`;

/** A row with the columns of `eventColumns`, typed. */
export const eventRow = (row: Row): EventRow => ({
  id: numberAt(row, "id"),
  uuid: textAt(row, "uuid"),
  created: numberAt(row, "created"),
  type: numberAt(row, "type"),
  otherType: row.other_type === null ? null : textAt(row, "other_type"),
  message: textAt(row, "message"),
  context: textAt(row, "context"),
});

/** The wanted rows of a series. */
export interface Slice {
  /** Whether rows come against the order of the list, to walk back from a cursor or from the end. */
  backwards: boolean;
  range: Range;
  /** Only rows ahead of this cursor, in the direction of walking. */
  beyond?: Pick<Cursor, "created" | "id">;
  offset: number;
  limit: number;
  /** The number of rows, from the first, that are scanned for matches; unlimited when absent. */
  scan?: number;
}
