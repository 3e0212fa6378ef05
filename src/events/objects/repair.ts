import { desc, eq } from "drizzle-orm";
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import { objectMoves, objects } from "../table.ts";

/** Statements for an operator who looks at objects and corrects them. UUIDs are 32 hex digits. */

type Builder = Pick<BaseSQLiteDatabase<"async", unknown>, "select" | "insert" | "delete">;

export const selectObject = (builder: Builder, uuid: string) =>
  builder.select().from(objects).where(eq(objects.uuid, uuid));

/** The facts about an object that an operator gives; null: there is none. */
type GivenFacts = Partial<Pick<typeof objects.$inferInsert, "type" | "customer" | "project" | "backingResource">>;

/** Sets the given facts and keeps the others. Events that happen after `now` (microseconds) may change them again. */
export function setObject(builder: Builder, uuid: string, facts: GivenFacts, now: number) {
  const row = { ...facts, learnedAt: now, producer: null };
  return builder
    .insert(objects)
    .values({ uuid, ...row })
    .onConflictDoUpdate({ target: objects.uuid, set: row });
}

/** Returns a row if the object was known. */
export const forgetObject = (builder: Builder, uuid: string) =>
  builder.delete(objects).where(eq(objects.uuid, uuid)).returning({ uuid: objects.uuid });

/** The changes of customers, newest first. */
export const selectMoves = (builder: Builder, limit: number) =>
  builder.select().from(objectMoves).orderBy(desc(objectMoves.id)).limit(limit);
