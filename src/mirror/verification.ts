import * as v from "valibot";

const number = v.number();

/** A range to be looked at, with the counts that are known. */
const taskSchema = v.object({ from: number, to: number, theirs: v.nullable(number), ours: v.nullable(number) });
export type Task = v.InferOutput<typeof taskSchema>;

export const VERIFY_MODES = ["counts", "digests"] as const;

/** The column `verification` of the run: what was asked for, and what is left to do; `stack` is null before it has begun. */
export const verificationSchema = v.object({
  mode: v.picklist(VERIFY_MODES),
  /** Milliseconds. */
  asked_at: number,
  done_at: v.nullable(number),
  requests: number,
  /** Events in which the sides differ. */
  found: number,
  /** Seconds that were too dense for a digest, so that only their counts were compared. */
  counted: number,
  /** Ranges that could not be read, because Waldur's answers could not be used. */
  unread: number,
  stack: v.nullable(v.array(taskSchema)),
});
export type Verification = v.InferOutput<typeof verificationSchema>;

/** A verification that has been asked for. `now` in milliseconds. */
export const newVerification = (mode: Verification["mode"], now: number): Verification => ({
  ...{ mode, asked_at: now, done_at: null, requests: 0, found: 0, counted: 0, unread: 0, stack: null },
});

export const verificationIn = (text: string | null): Verification | undefined =>
  text === null ? undefined : v.parse(verificationSchema, JSON.parse(text));
