import { isRestoring } from "../../events/backup/restore.ts";
import { query } from "../d1.ts";
import { UNFINISHED_RESTORE } from "../database-error.ts";
import { Failure } from "../failure.ts";
import type { Target } from "../target.ts";

/** Throws a Failure for a database that has a part of a backup only. */
export async function assertRestored(target: Target): Promise<void> {
  const [row] = await query(target, isRestoring);
  if (row?.restoring === 1) throw new Failure(UNFINISHED_RESTORE);
}
