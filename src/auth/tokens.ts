import { eq, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import type { Role } from "./actor.ts";
import { roles, tokens, users } from "./table.ts";

const userColumns = {
  uuid: users.uuid,
  isStaff: users.isStaff,
  isSupport: users.isSupport,
  isActive: users.isActive,
  tokenLifetime: users.tokenLifetime,
};

const roleColumns = {
  scopeType: roles.scopeType,
  scope: roles.scope,
  customer: roles.customer,
  expires: roles.expires,
};

/**
 * The token of this hash with its user, active or not, and their roles; undefined for a token nobody has. One round
 * trip. Looked up by hash: how long it takes tells nothing of the token.
 */
export async function findToken(db: Database, hash: string) {
  const tokenColumns = { created: tokens.created, expires: tokens.expires, lastUsedDay: tokens.lastUsedDay };
  const [[found], held] = await db.batch([
    db
      .select({ ...userColumns, ...tokenColumns })
      .from(tokens)
      .innerJoin(users, eq(users.uuid, tokens.userUuid))
      .where(eq(tokens.hash, hash)),
    db
      .select(roleColumns)
      .from(tokens)
      .innerJoin(roles, eq(roles.userUuid, tokens.userUuid))
      .where(eq(tokens.hash, hash)),
  ]);
  return found && { ...found, roles: held.map(toRole) };
}

/** A user (32 hex) and their roles; undefined when there is no such user. One round trip. */
export async function findUser(db: Database, uuid: string) {
  const [[found], held] = await db.batch([
    db.select(userColumns).from(users).where(eq(users.uuid, uuid)),
    db.select(roleColumns).from(roles).where(eq(roles.userUuid, uuid)),
  ]);
  return found && { ...found, roles: held.map(toRole) };
}

/** Notes that a token was used on this day, and, when told, that its lifetime starts again at `now` (microseconds). */
export async function touchToken(db: Database, hash: string, day: number, now: number | undefined): Promise<void> {
  await db
    .update(tokens)
    .set({ lastUsedDay: day, ...(now === undefined ? {} : { created: sql`max(${tokens.created}, ${now})` }) })
    .where(eq(tokens.hash, hash));
}

function toRole(row: { scopeType: string; scope: string; customer: string | null; expires: number | null }): Role {
  const { customer, expires, ...role } = row;
  return { ...role, ...(customer === null ? {} : { customer }), ...(expires === null ? {} : { expires }) };
}
