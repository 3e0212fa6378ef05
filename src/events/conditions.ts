import { and, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE } from "../catalogue/data.ts";
import { integer } from "../db/sql.ts";
import type { Range } from "../values/periods.ts";
import type { EventFilter } from "./filter.ts";
import { type Comparison, type Concern, concernsOf, valuesOf } from "./query.ts";
import { events } from "./table.ts";
import type { WantedTypes } from "./type-numbers.ts";
import type { Visibility } from "./visibility.ts";

/** Whether the actor may see an event and the filter matches it. For one event that was found by its key. */
export function isVisible(visibility: Visibility, filter: EventFilter, types: WantedTypes | undefined): SQL {
  const range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  const asked = and(
    visibility === "nothing" ? sql`0` : undefined,
    during(range),
    types && isAnyOf(types),
    ...concernsOf(visibility, filter).map(concerns),
    matches(valuesOf(filter)),
  );
  return asked ?? sql`1`;
}

/** The event was created within the range; undefined for an unbounded range. */
export function during({ from, to }: Range, column: SQL = sql`${events.created}`): SQL | undefined {
  return and(Number.isFinite(from) ? gte(column, from) : undefined, Number.isFinite(to) ? lt(column, to) : undefined);
}

/** The numbers are our own and stand in the SQL itself, because D1 takes at most 100 parameters. */
export function ofTypes(column: SQL, types: readonly number[] | undefined): SQL | undefined {
  return types === undefined ? undefined : sql`${column} IN (${sql.raw(types.join(","))})`;
}

/** The event itself has the type. */
function isAnyOf({ numbers, others }: WantedTypes): SQL {
  const numbered = ofTypes(sql`${events.type}`, numbers);
  if (others.length === 0) return sql`(${numbered})`;
  const named = sql`${events.typeName} IN (SELECT value FROM json_each(${JSON.stringify(others)}))`;
  return sql`(${numbered} OR (${events.type} = ${integer(OTHER_TYPE)} AND ${named}))`;
}

/** The event itself has the values. The index finds candidates only: it knows grams, and values in a shorter form. */
export function matches({ types, message, authMethod, patUuid }: Comparison): SQL | undefined {
  return and(
    types && isAnyOf(types),
    message === undefined
      ? undefined
      : sql`instr(coalesce(${events.folded}, upper(${events.message})), ${message}) > 0`,
    contextEquals("$.auth_method", authMethod),
    contextEquals("$.pat_uuid", patUuid),
  );
}

/** The event has a row in event_scopes for one of the objects; looked up by the whole primary key. */
function concerns({ scopes, roles }: Concern): SQL {
  return sql`EXISTS (SELECT 1 FROM event_scopes WHERE ${inArray(sql`scope`, [...scopes])} AND created = ${events.created}
    AND event_id = ${events.id} AND ${hasRole(roles)})`;
}

function contextEquals(path: string, text: string | undefined): SQL | undefined {
  if (text === undefined) return undefined;
  return sql`json_type(${events.context}, ${path}) = 'text' AND json_extract(${events.context}, ${path}) = ${text}`;
}

/** The row has at least one of the roles. */
export const hasRole = (roles: number, column: SQL = sql`roles`): SQL => sql`${column} & ${integer(roles)}`;
