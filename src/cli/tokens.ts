import { createHash, randomBytes, randomUUID } from "node:crypto";
import { literal } from "./d1.ts";

/** What secret scanners can look for: `eev_` and 40 hex digits, as many as Waldur's tokens have. */
const TOKEN_PREFIX = "eev_";
const TOKEN_BYTES = 20;
const MICROSECONDS_PER_MILLISECOND = 1_000;

export interface User {
  username: string;
  isStaff: boolean;
  isSupport: boolean;
}

export const newToken = (): string => `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString("hex")}`;

/** Makes the user unless there is one of that name, who stays as they are. */
export function makeUser({ username, isStaff, isSupport }: User): string {
  const uuid = randomUUID().replaceAll("-", "");
  const values = [uuid, username, isStaff, isSupport].map(literal).join(", ");
  return `INSERT INTO users (uuid, username, is_staff, is_support) VALUES (${values}) ON CONFLICT (username) DO NOTHING;`;
}

/**
 * Gives the user the token, if they are active and have the roles asked for; a token somebody has changes hands.
 * `expires` in microseconds.
 */
export function giveToken(
  { username, isStaff, isSupport }: User,
  token: string,
  expires?: number,
  now = Date.now(),
): string {
  const hash = createHash("sha256").update(token).digest("hex");
  const created = now * MICROSECONDS_PER_MILLISECOND;
  return `INSERT INTO tokens (hash, user_uuid, created, expires)
    SELECT ${literal(hash)}, uuid, ${literal(created)}, ${expires ?? "NULL"} FROM users
    WHERE username = ${literal(username)} AND is_active = 1
      AND is_staff >= ${literal(isStaff)} AND is_support >= ${literal(isSupport)}
    ON CONFLICT (hash) DO UPDATE SET user_uuid = excluded.user_uuid, created = excluded.created, expires = excluded.expires;`;
}
