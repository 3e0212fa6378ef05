import { type SQL, sql } from "drizzle-orm";
import { integer } from "../../db/sql.ts";

/** More than the largest combination of roles (scopes.ts). The trigger in migrations/0018 has the same number. */
const ROLE_COMBINATIONS = 32;

/** A key of `counters.codes` as SQL: the type and the roles of an event in one number. The log has no roles. */
export const codeOf = (type: SQL, roles: SQL = sql`0`): SQL =>
  sql`(${type} * ${integer(ROLE_COMBINATIONS)} + ${roles})`;

/** The type in a code. */
export const typeOfCode = (code: number): number => Math.floor(code / ROLE_COMBINATIONS);

/** The roles in a code. */
export const rolesOfCode = (code: number): number => code % ROLE_COMBINATIONS;
