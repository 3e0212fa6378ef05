import { and, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Range } from "../values/periods.ts";
import type { EventFilter } from "./filter.ts";
import { type Concern, concernsOf, type Verify } from "./query.ts";
import { events } from "./table.ts";
import type { Visibility } from "./visibility.ts";

/** Whether one event at hand may be seen and the filter lets it through. */
export function lets(visibility: Visibility, filter: EventFilter, types: readonly number[] | undefined): SQL {
  const range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  const asked = and(
    visibility === "nothing" ? sql`0` : undefined,
    during(range),
    ofTypes(sql`${events.type}`, types),
    ...concernsOf(visibility, filter).map(concerns),
    matches(filter),
  );
  return asked ?? sql`1`;
}

/** The event is created in the range. */
export function during({ from, to }: Range, column: SQL = sql`${events.created}`): SQL | undefined {
  return and(Number.isFinite(from) ? gte(column, from) : undefined, Number.isFinite(to) ? lt(column, to) : undefined);
}

/** The numbers are ours and written into the SQL: a list of hundreds would not fit in D1's 100 parameters. */
export function ofTypes(column: SQL, types: readonly number[] | undefined): SQL | undefined {
  return types === undefined ? undefined : sql`${column} IN (${sql.raw(types.join(","))})`;
}

/** The event itself has the text and the values: exactly, whatever an index may have said. */
export function matches({ message, authMethod, patUuid }: Verify): SQL | undefined {
  return and(
    message === undefined
      ? undefined
      : sql`instr(coalesce(${events.folded}, upper(${events.message})), ${message}) > 0`,
    contextEquals("$.auth_method", authMethod),
    contextEquals("$.pat_uuid", patUuid),
  );
}

/** A row of event_scopes for one of the objects, by its whole key. */
function concerns({ scopes, roles }: Concern): SQL {
  return sql`EXISTS (SELECT 1 FROM event_scopes WHERE ${inArray(sql`scope`, [...scopes])} AND created = ${events.created}
    AND event_id = ${events.id} AND roles & ${sql.raw(String(roles))})`;
}

function contextEquals(path: string, text: string | undefined): SQL | undefined {
  if (text === undefined) return undefined;
  return sql`json_type(${events.context}, ${path}) = 'text' AND json_extract(${events.context}, ${path}) = ${text}`;
}
