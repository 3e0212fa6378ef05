import { numberAt, type Reader } from "../db/reader.ts";
import type { Env } from "../env.ts";
import { completeness } from "../events/log/complete.ts";
import type { HoldReason } from "../ingest/watermark/mark.ts";
import { standingStill } from "../ingest/watermark/standing.ts";
import { microsecondsNow, printTime } from "../values/time.ts";

/** The answer of GET /api/events/feed/status/. Times as the API prints them. */
export interface FeedStatus {
  /** Everything that was answered with 202 before this time is in the log or a dead letter; null while it is unknown. */
  complete_through: string | null;
  /** Why that time does not advance; null when it does. `since`: null when nobody knows. */
  standing_still: { reason: HoldReason; since: string | null; producer?: string } | null;
}

/** `tellsProducers`: whether the reader may know producers, as staff and support may. `now` in milliseconds. */
export async function feedStatus(
  env: Pick<Env, "SPILL" | "INGEST_QUEUE">,
  reader: Reader,
  tellsProducers: boolean,
  now = Date.now(),
): Promise<FeedStatus> {
  const [[[row] = []], hold] = await Promise.all([reader.read([completeness]), standingStill(env, now)]);
  const through = numberAt(row, "complete_through");
  const complete_through = through > 0 ? printTime(through) : null;
  if (hold === undefined) return { complete_through, standing_still: null };
  const { reason, since, producer } = hold;
  const named = tellsProducers && producer !== undefined ? { producer } : {};
  const from = since > 0 ? printTime(microsecondsNow(since)) : null;
  return { complete_through, standing_still: { reason, since: from, ...named } };
}
