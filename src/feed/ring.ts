import type { Env } from "../env.ts";
import { withDeadline } from "../values/deadline.ts";

/** The name of the one object. */
export const BELL_NAME = "log";

const RING_DEADLINE_MS = 1_000;

/** Tells waiting readers that the log has come to this entry. Takes a second at most and never throws: a ring may be lost. */
export async function ring({ FEED_BELL }: Pick<Env, "FEED_BELL">, end: number): Promise<void> {
  if (FEED_BELL === undefined) return;
  try {
    const rung = FEED_BELL.getByName(BELL_NAME).ring(end);
    await withDeadline(rung, RING_DEADLINE_MS, "The bell did not answer in time.");
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "bell_not_rung", error: String(error) }));
  }
}
