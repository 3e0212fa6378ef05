import { sql } from "drizzle-orm";
import { notFound } from "../http/errors.ts";
import { parseUuid } from "../values/uuid.ts";
import { isVisible } from "./conditions.ts";
import { chosenFields, eventJson } from "./representation.ts";
import type { EventsRequest } from "./request.ts";
import type { Result } from "./respond.ts";
import { eventColumns, eventRow } from "./row.ts";
import { events } from "./table.ts";

/** One event, by a segment of the URL. Throws 404 when it does not exist, is hidden, or the filter leaves it out. */
export async function getEvent(
  { reader, visibility, filter, types, params, knowsIds }: EventsRequest,
  segment: string,
): Promise<Result> {
  const key = eventKey(segment);
  const isThis = typeof key === "number" ? sql`${events.id} = ${key}` : sql`${events.uuid} = ${key}`;
  const where = sql`${isThis} AND ${isVisible(visibility, filter, types)}`;
  const [[row] = []] = await reader.read([sql`SELECT ${eventColumns} FROM ${events} WHERE ${where}`]);
  if (row === undefined) throw notFound("No Event matches the given query.");
  const event = eventRow(row);
  return {
    version: `${event.id}.${event.uuid}`,
    body: eventJson(event, chosenFields(params.getAll("field"), knowsIds)),
    events: 1,
  };
}

/** The integer id, as Waldur takes it, or the uuid, which Waldur's list shows instead of the id. */
function eventKey(segment: string): number | string {
  const uuid = parseUuid(segment);
  if (uuid !== undefined) return uuid;
  if (!/^[+-]?\d+$/.test(segment)) throw notFound();
  return Number(segment);
}
