import { type Mark, NO_MARK, readMark, replaceMark } from "./mark.ts";

/** How long a hold lasts for which no further word is needed: R2 takes one put of a key a second. */
const HOLD_MS = 60_000;
/** How long it may take, after a hold, until the message is where it goes. Its put or send ends after 5 seconds at most. */
const WORK_MS = 15_000;
/** How late a queue may be with a message whose delay is over, and how much longer a hold of retries is than needed. */
const LATE_MS = 10_000;
/** Before each try to write a hold. */
const PAUSES_MS = [0, 300, 900];

/** What an isolate knows of the mark: whatever it holds until some time, it holds until then. */
const known = new WeakMap<R2Bucket, Mark>();

/**
 * Stops the watermark before a message goes elsewhere than to the main queue: to R2, or to the dead letters. Throws when
 * that cannot be written; then the message must not go there, or must not be answered with 202.
 */
export async function holdOutside(
  bucket: R2Bucket,
  reason: "spilled" | "dead",
  producer?: string,
  now = Date.now(),
): Promise<void> {
  const isHeld = ({ outside }: Mark) => outside !== null && outside.until >= now + WORK_MS;
  await hold(bucket, isHeld, (mark) => {
    const { emptyAt, ...earlier } = mark.outside ?? { reason, since: now, until: 0, ...(producer ? { producer } : {}) };
    return { ...mark, outside: { ...earlier, until: Math.max(earlier.until, now + HOLD_MS) } };
  });
}

/**
 * Stops the watermark for as long as messages may be missing in the metrics: before they are retried so many seconds later,
 * or when the metrics have been found to miss some. Does not throw: a message has to be retried in any case.
 */
export async function holdUnseen(
  bucket: R2Bucket,
  reason: "retried" | "queue",
  seconds: number,
  now = Date.now(),
): Promise<void> {
  const needed = now + seconds * 1_000 + LATE_MS;
  const merged = (mark: Mark): Mark => {
    const { since } = mark.unseen.until >= now ? mark.unseen : { since: now };
    return { ...mark, unseen: { reason, since, until: Math.max(mark.unseen.until, needed + LATE_MS) } };
  };
  try {
    await hold(bucket, ({ unseen }) => unseen.until >= needed, merged);
  } catch (error) {
    console.error(JSON.stringify({ level: "error", event: "watermark_not_held", reason, error: String(error) }));
  }
}

/** Writes a mark that holds, unless it does. Another writer may come between reading and writing. */
async function hold(bucket: R2Bucket, isHeld: (mark: Mark) => boolean, merged: (mark: Mark) => Mark): Promise<void> {
  if (isHeld(known.get(bucket) ?? NO_MARK)) return;
  let failure: unknown = new Error("The mark was changed at each try.");
  for (const pause of PAUSES_MS) {
    if (pause > 0) await scheduler.wait(pause);
    try {
      const read = await readMark(bucket);
      const before = read.mark ?? NO_MARK;
      const after = isHeld(before) ? before : merged(before);
      if (after === before || (await replaceMark(bucket, read, after))) return void known.set(bucket, after);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
