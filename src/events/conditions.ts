import { and, gte, lt, type SQL, sql } from "drizzle-orm";
import { type Actor, seesEverything } from "../auth/actor.ts";
import type { EventFilter } from "./filter.ts";
import type { Range } from "./periods.ts";
import { type Concern, concernsOf, type Verify } from "./query.ts";
import { events } from "./table.ts";

/** Whether this actor may see one event at hand and the filter lets it through: for a single event, already found. */
export function lets(actor: Actor, filter: EventFilter, types: readonly number[] | undefined): SQL {
  const range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  const asked = and(
    seesEverything(actor) ? undefined : sql`0`,
    during(range),
    ofTypes(sql`${events.type}`, types),
    ...concernsOf(filter).map(concerns),
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

/** One row of event_scopes, by its whole key. */
function concerns({ scope, roles }: Concern): SQL {
  return sql`EXISTS (SELECT 1 FROM event_scopes WHERE scope = ${scope} AND created = ${events.created}
    AND event_id = ${events.id} AND roles & ${sql.raw(String(roles))})`;
}

function contextEquals(path: string, text: string | undefined): SQL | undefined {
  if (text === undefined) return undefined;
  return sql`json_type(${events.context}, ${path}) = 'text' AND json_extract(${events.context}, ${path}) = ${text}`;
}
