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
 * The token with this hash, its user (active or not) and their roles; undefined for an unknown token. One round trip.
 * The look-up is by hash, so its duration reveals nothing about the token.
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

/** A user (32 hex digits) and their roles; undefined for an unknown user. One round trip. */
export async function findUser(db: Database, uuid: string) {
  const [[found], held] = await db.batch([
    db.select(userColumns).from(users).where(eq(users.uuid, uuid)),
    db.select(roleColumns).from(roles).where(eq(roles.userUuid, uuid)),
  ]);
  return found && { ...found, roles: held.map(toRole) };
}

/** Records the day on which a token was used and, if `now` (microseconds) is given, the new start of its lifetime. */
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
