import { and, gte, lt, or, type SQL, sql } from "drizzle-orm";
import { typeNumber } from "../catalogue/data.ts";
import type { EventFilter } from "./filter.ts";
import { ROLE } from "./scopes.ts";
import { events } from "./table.ts";
import { RELATED_ROLES, type Visibility } from "./visibility.ts";

/** Which of the events that may be seen the filter asks for: the one WHERE of list, count and retrieve. */
export const conditions = (visibility: Visibility, filter: EventFilter): SQL | undefined =>
  and(visible(visibility), ...asked(filter));

function visible(visibility: Visibility): SQL | undefined {
  if (visibility === "everything") return undefined;
  if (visibility === "nothing") return sql`0`;
  return or(...visibility.scopes.map((scope) => concerns(scope, visibility.roles))) ?? sql`0`;
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
    concerns(filter.relatedUser, RELATED_ROLES),
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
