import * as v from "valibot";
import { WATERMARK_KEY } from "../queue/keys.ts";

/**
 * The mark is one object in R2. It says whether each message that is not settled can be seen in the metrics of the queue
 * with a time before its 202. While it does not say so, and while it is missing or old, the watermark stands still. Whoever
 * makes an exception says so here before it exists; the cron job takes that back once it can prove that it is over.
 * Milliseconds since 1970 everywhere.
 */

/** How far apart the clocks of isolates, of the queue and of R2 may be. */
export const CLOCK_SKEW_MS = 2_000;
/** The age that metrics may have when they are read, and a delivery when its consumer begins. */
export const METRICS_AGE_MS = 5_000;
/** The mark is not believed when the cron job has not confirmed it for so long: a Worker that knows no mark may run. */
export const LEASE_MS = 15 * 60_000;

/** Why the watermark may stand still. `queue`: its metrics tell too little. */
export type HoldReason = "spilled" | "retried" | "dead" | "queue" | "unknown";

const time = v.pipe(v.number(), v.safeInteger());

const markSchema = v.object({
  /** Random, as R2 gives equal contents equal ETags. */
  id: v.string(),
  /** When the cron job last confirmed the mark. */
  at: time,
  /** Messages may be missing in the metrics until then: those that wait for a retry. Passes by itself. */
  unseen: v.object({ reason: v.picklist(["retried", "queue"]), since: time, until: time }),
  /** Messages are or were elsewhere than in the main queue. Further ones may be put there `until` then, without a word. */
  outside: v.nullable(
    v.object({
      reason: v.picklist(["spilled", "dead", "unknown"]),
      since: time,
      until: time,
      producer: v.optional(v.string()),
      /** When nothing was left in R2, after `until`. What has left it is in a queue, with an earlier time. */
      emptyAt: v.optional(time),
    }),
  ),
});

export type Mark = v.InferOutput<typeof markSchema>;

/** The mark and its ETag; no mark when the object is missing or unreadable, no ETag when it is missing. */
export interface ReadMark {
  mark: Mark | undefined;
  etag: string | undefined;
}

/** What a missing mark is taken for. */
export const NO_MARK: Mark = { id: "", at: 0, unseen: { reason: "retried", since: 0, until: 0 }, outside: null };

export async function readMark(bucket: R2Bucket): Promise<ReadMark> {
  const object = await bucket.get(WATERMARK_KEY);
  if (object === null) return { mark: undefined, etag: undefined };
  const mark = v.safeParse(markSchema, await object.json().catch(() => undefined));
  if (!mark.success) console.error(JSON.stringify({ level: "error", event: "watermark_mark_unreadable" }));
  return { mark: mark.success ? mark.output : undefined, etag: object.etag };
}

/** Writes a mark in the place of one that was read. Returns whether it was still there. */
export async function replaceMark(bucket: R2Bucket, { etag }: Pick<ReadMark, "etag">, mark: Mark): Promise<boolean> {
  const onlyIf = etag === undefined ? { etagDoesNotMatch: "*" } : { etagMatches: etag };
  const written = await bucket.put(WATERMARK_KEY, JSON.stringify({ ...mark, id: crypto.randomUUID() }), { onlyIf });
  return written !== null;
}

/** Why the watermark stands still, and since when. */
export interface Hold {
  reason: HoldReason;
  since: number;
  producer?: string | undefined;
}

/** What holds the watermark for somebody whose metrics were read at `now`; undefined when it may advance. */
export function holdOf(mark: Mark | undefined, now: number): Hold | undefined {
  if (mark === undefined) return { reason: "unknown", since: 0 };
  if (mark.outside !== null) return mark.outside;
  if (now - METRICS_AGE_MS <= mark.unseen.until) return mark.unseen;
  return now - mark.at >= LEASE_MS ? { reason: "unknown", since: mark.at } : undefined;
}
