import { and, gte, lt, or, type SQL, sql } from "drizzle-orm";
import { type Actor, seesEverything } from "../auth/actor.ts";
import { typeNumber } from "../catalogue/data.ts";
import type { EventFilter } from "./filter.ts";
import { ROLE } from "./scopes.ts";
import { events } from "./table.ts";

/** Which events this actor may see of those the filter asks for: the one WHERE of list, count and retrieve. */
export const conditions = (actor: Actor, filter: EventFilter): SQL | undefined => and(visible(actor), ...asked(filter));

/** Staff and support: everything. Others: nothing, as long as no scope is named. */
function visible(actor: Actor): SQL | undefined {
  return seesEverything(actor) ? undefined : sql`0`;
}

function asked(filter: EventFilter): (SQL | undefined)[] {
  const { createdFrom, createdTo, types, message, authMethod, patUuid } = filter;
  return [
    createdFrom === undefined ? undefined : gte(events.created, createdFrom),
    createdTo === undefined ? undefined : lt(events.created, createdTo),
    types === undefined ? undefined : ofTypes(types),
    concerns(filter.customer, ROLE.CUSTOMER),
    concerns(filter.project, ROLE.PROJECT),
    concerns(filter.user, ROLE.USER),
    concerns(filter.relatedUser, ROLE.FEED | ROLE.USER | ROLE.AFFECTED_USER),
    contextEquals("$.auth_method", authMethod),
    contextEquals("$.pat_uuid", patUuid),
    message === undefined
      ? undefined
      : sql`instr(coalesce(${events.folded}, upper(${events.message})), ${message}) > 0`,
  ];
}

function concerns(scope: string | undefined, roles: number): SQL | undefined {
  if (scope === undefined) return undefined;
  return sql`${events.id} IN (SELECT event_id FROM event_scopes WHERE scope = ${scope} AND roles & ${sql.raw(String(roles))})`;
}

/** Catalogue types by their numbers, written into the SQL (they are ours); others by name, as one parameter. */
function ofTypes(names: readonly string[]): SQL | undefined {
  const numbers = names.flatMap((name) => typeNumber(name) ?? []);
  const unknown = names.filter((name) => typeNumber(name) === undefined);
  const known = sql`${events.type} IN (${sql.raw(numbers.join(","))})`;
  if (unknown.length === 0) return known;
  const looked = sql`SELECT id FROM event_types WHERE name IN (SELECT value FROM json_each(${JSON.stringify(unknown)}))`;
  return or(known, sql`${events.type} IN (${looked})`);
}

function contextEquals(path: string, text: string | undefined): SQL | undefined {
  if (text === undefined) return undefined;
  return sql`json_type(${events.context}, ${path}) = 'text' AND json_extract(${events.context}, ${path}) = ${text}`;
}
