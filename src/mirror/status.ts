import { type Database, runBatch } from "../db/client.ts";
import { type MirrorStatus, statusOf, statusStatements } from "./report.ts";

/** How far the mirror is, and what is wrong with it. `now` in milliseconds. */
export async function mirrorStatus(db: Database, now = Date.now()): Promise<MirrorStatus> {
  const results = await runBatch(db, statusStatements);
  return statusOf(
    results.map(({ results: rows }) => rows),
    now,
  );
}

export type { MirrorStatus } from "./report.ts";
