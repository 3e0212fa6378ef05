import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { Reader } from "../../src/db/reader.ts";

/** A database whose replicas answer with an error, and the constraints of the sessions that were begun. */
function replicasThatFail(text: string) {
  const begun: string[] = [];
  const DB = {
    withSession(constraint: string) {
      begun.push(constraint);
      const session = env.DB.withSession(constraint);
      const batch = () => Promise.reject(new Error(text));
      if (constraint === "first-primary") return session;
      return { prepare: session.prepare.bind(session), getBookmark: () => null, batch };
    },
  };
  return { DB: DB as unknown as D1Database, begun };
}

it("a replica that lacks a migration is passed over for the primary", async () => {
  const { DB, begun } = replicasThatFail("D1_ERROR: no such column: incarnation at offset 7: SQLITE_ERROR");

  const reader = new Reader(DB);
  const [rows] = await reader.read([sql`SELECT incarnation > 0 AS has_begun FROM commit_watermark`]);

  expect(rows).toEqual([{ has_begun: 1 }]);
  expect(begun).toEqual(["first-unconstrained", "first-primary"]);
  expect(reader.meter.roundTrips).toBe(2);
});

it.each(["D1_ERROR: Network connection lost.", "D1_ERROR: internal error; reference = 1"])(
  "the error %s of a replica is that of the read",
  async (text) => {
    const { DB, begun } = replicasThatFail(text);
    await expect(new Reader(DB).read([sql`SELECT 1`])).rejects.toThrow(text);
    expect(begun).toEqual(["first-unconstrained"]);
  },
);
