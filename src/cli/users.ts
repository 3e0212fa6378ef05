import { randomUUID } from "node:crypto";
import { eq, type SQL, sql } from "drizzle-orm";
import { tokens, users } from "../auth/table.ts";
import { microsecondsNow } from "../values/time.ts";
import { sha256Hex } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { builder } from "./sql.ts";

export interface User {
  username: string;
  isStaff: boolean;
  isSupport: boolean;
}

export const newUuid = (): string => randomUUID().replaceAll("-", "");

export const isNamed = (username: string): SQL => eq(users.username, username);

export const noUser = (username: string): Failure => new Failure(`There is no user ${username}.`);

/**
 * Creates an active user and returns the UUID. An existing user with the name or the UUID stays unchanged, and no row is
 * returned. `tokenLifetime` in seconds.
 */
export const insertUser = (user: User, uuid = newUuid(), tokenLifetime: number | null = null) =>
  builder
    .insert(users)
    .values({ uuid, ...user, isActive: true, tokenLifetime })
    .onConflictDoNothing()
    .returning({ uuid: users.uuid });

/**
 * Gives the user the token, if the user is active and has the roles of `user`. An existing token becomes the user's.
 * `expires` in microseconds. Raw SQL, because the builder's INSERT … SELECT must select every column of the table.
 */
export const insertToken = (user: User, token: string, expires: number | null = null, now = microsecondsNow()): SQL =>
  sql`INSERT INTO ${tokens} (hash, user_uuid, created, expires)
    SELECT ${sha256Hex(token)}, uuid, ${now}, ${expires} FROM ${users}
    WHERE ${isNamed(user.username)} AND is_active = 1
      AND is_staff >= ${Number(user.isStaff)} AND is_support >= ${Number(user.isSupport)}
    ON CONFLICT (hash) DO UPDATE SET user_uuid = excluded.user_uuid, created = excluded.created, expires = excluded.expires`;
