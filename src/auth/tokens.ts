import { sql } from "drizzle-orm";
import { numberAt, type Reader, textAt } from "../db/reader.ts";
import { tokens, users } from "./table.ts";

/** SHA-256 of a text, as 64 lower-case hex digits. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** The user a token belongs to, active or not; undefined for a token nobody has. Looked up by hash: one row, one user row. */
export async function findTokenUser(reader: Reader, token: string) {
  const [[row] = []] = await reader.read([
    sql`SELECT ${users.uuid} AS uuid, ${users.isStaff} AS staff, ${users.isSupport} AS support, ${users.isActive} AS active
      FROM ${tokens} JOIN ${users} ON ${users.uuid} = ${tokens.userUuid} WHERE ${tokens.hash} = ${await sha256Hex(token)}`,
  ]);
  if (row === undefined) return undefined;
  const has = (flag: string) => numberAt(row, flag) === 1;
  return { uuid: textAt(row, "uuid"), isStaff: has("staff"), isSupport: has("support"), isActive: has("active") };
}
