import { eq } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { tokens, users } from "./table.ts";

/** SHA-256 of a text, as 64 lower-case hex digits. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** The user a token belongs to, active or not; undefined for a token nobody has. Looked up by hash: one row, one user row. */
export async function findTokenUser(db: Database, token: string) {
  const [user] = await db
    .select({ uuid: users.uuid, isStaff: users.isStaff, isSupport: users.isSupport, isActive: users.isActive })
    .from(tokens)
    .innerJoin(users, eq(users.uuid, tokens.userUuid))
    .where(eq(tokens.hash, await sha256Hex(token)));
  return user;
}
