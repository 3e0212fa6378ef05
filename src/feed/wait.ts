import type { Env } from "../env.ts";
import { withDeadline } from "../values/deadline.ts";
import { BELL_NAME } from "./ring.ts";

/** One call of the bell, which is one billed request; the bell lets nobody wait longer. Milliseconds. */
const SLICE_MS = 20_000;

/** The bell answers this much after the time at the latest: milliseconds. */
const GRACE_MS = 1_000;

/** A reader without a bell looks at the log this often: milliseconds. */
const ALONE_MS = 5_000;

/**
 * Resolves with true when an entry with a number above `after` may exist, and with false when there was none for so many
 * milliseconds (1 second more when the bell hangs). Without a bell, or when it fails or is full, with true after 5 seconds at
 * most, so that the reader looks for itself. Never throws.
 */
export async function waitForEntry(env: Pick<Env, "FEED_BELL">, after: number, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  for (let asked = 0; asked < ms; asked += SLICE_MS) {
    const left = Math.ceil(Math.min(until - Date.now(), SLICE_MS));
    if (left <= 0) return false;
    const end = await ask(env, after, left);
    if (end === undefined) return sleep(Math.min(until - Date.now(), ALONE_MS));
    if (end > after) return true;
  }
  return false;
}

/** The end of the log as the bell knows it; undefined when the reader cannot wait there. */
async function ask({ FEED_BELL }: Pick<Env, "FEED_BELL">, after: number, ms: number): Promise<number | undefined> {
  if (FEED_BELL === undefined) return undefined;
  try {
    const waited = FEED_BELL.getByName(BELL_NAME).wait(after, ms);
    const end = await withDeadline(waited, ms + GRACE_MS, "The bell did not answer in time.");
    return end < 0 ? undefined : end;
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "bell_failed", error: String(error) }));
    return undefined;
  }
}

async function sleep(ms: number): Promise<true> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return true;
}
