import * as v from "valibot";
import { database, runBatch } from "../db/client.ts";
import type { Env } from "../env.ts";
import { beginIncarnation, logState } from "../events/log/incarnation.ts";
import { LOG_MARK_KEY } from "./queue/keys.ts";

/**
 * Notices that the database was restored to an earlier time. A restore brings back everything that is in the database, so
 * the mark of how far the log has come is in R2. What was written and read after the last mark, and then taken back, is
 * not noticed.
 */

/**
 * The mark is not written more often, milliseconds. At this rate a month of writing is 43,200 operations of class A ($0.20)
 * and as many of class B ($0.02).
 */
const MARK_EVERY_MS = 60_000;

/** Cron lines are a few milliseconds early or late. */
const TOLERANCE_MS = 10_000;

/** How far the log has come (`logState`), and when that was: milliseconds. */
const markSchema = v.object({ incarnation: v.number(), end: v.number(), entry: v.string(), at: v.number() });

/** The entry at the end is NULL when the log has none, or its gaps end there. */
const stateSchema = v.object({
  incarnation: v.number(),
  end: v.number(),
  entry: v.nullable(v.string(), ""),
  entry_there: v.nullable(v.string()),
});

type Mark = v.InferOutput<typeof markSchema>;
type State = v.InferOutput<typeof stateSchema>;

/**
 * Compares the log with its mark: begins a new incarnation, with an alarm, when the log has been restored; moves the mark
 * when the log has grown. Does nothing while R2 does not answer. `now` in milliseconds.
 */
export async function watchLog(env: Pick<Env, "DB" | "SPILL">, now = Date.now()): Promise<void> {
  try {
    await compare(env, now);
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "log_mark_unavailable", error: String(error) }));
  }
}

async function compare({ DB, SPILL }: Pick<Env, "DB" | "SPILL">, now: number): Promise<void> {
  const db = database(DB);
  const mark = await readMark(SPILL);
  const [read] = await runBatch(db, [logState(mark?.end ?? 0)]);
  const state = v.parse(stateSchema, read?.results[0]);
  if (mark !== undefined && wasRestored(mark, state)) {
    const [begun] = await runBatch(db, [beginIncarnation(Math.max(now, mark.incarnation + 1), state.incarnation)]);
    const incarnation = begun?.results[0]?.incarnation;
    const { end } = state;
    console.error(JSON.stringify({ level: "error", event: "log_restored", end, lostUpTo: mark.end, incarnation }));
    // The next run moves the mark, as the log has a later incarnation.
  } else if (isDue(mark, state, now)) await writeMark(SPILL, { ...state, at: now });
}

/** A later incarnation in the mark than in the log, fewer entries, or another entry at the same number. */
function wasRestored(mark: Mark, { incarnation, end, entry_there }: State): boolean {
  if (mark.incarnation !== incarnation) return mark.incarnation > incarnation;
  return end < mark.end || (entry_there !== null && entry_there !== mark.entry);
}

/** An empty log has no mark. */
function isDue(mark: Mark | undefined, { incarnation, end }: State, now: number): boolean {
  if (mark === undefined) return end > 0;
  if (mark.incarnation !== incarnation) return true;
  return end > mark.end && now - mark.at >= MARK_EVERY_MS - TOLERANCE_MS;
}

/** The mark; undefined when there is none or it is unreadable. */
async function readMark(bucket: R2Bucket): Promise<Mark | undefined> {
  const object = await bucket.get(LOG_MARK_KEY);
  if (object === null) return undefined;
  const mark = v.safeParse(markSchema, await object.json().catch(() => undefined));
  if (mark.success) return mark.output;
  console.error(JSON.stringify({ level: "error", event: "log_mark_unreadable" }));
  return undefined;
}

const writeMark = (bucket: R2Bucket, { incarnation, end, entry, at }: Mark): Promise<unknown> =>
  bucket.put(LOG_MARK_KEY, JSON.stringify({ incarnation, end, entry, at }));
