import { setTimeout as pause } from "node:timers/promises";
import { Failure } from "../failure.ts";
import type { Answer } from "./answer.ts";
import type { BackOff } from "./back-off.ts";
import { Again, ask, type Position, type Source } from "./read.ts";

/** The most that the server gives at a time. */
const MAX_MESSAGES = 1_000;
/** Failures one after the other with which `--once` gives up: about two minutes. */
const MAX_FAILURES_ONCE = 8;
/** A live request that is answered faster, and with nothing, has not waited. */
const WAITED_MS = 1_000;
const BEGINNING = "-1";
const MILLISECONDS_PER_SECOND = 1_000;

/** What is done with messages. */
export interface Sink {
  /** Returns when the messages are safe. */
  write(messages: readonly Uint8Array[]): Promise<void>;
  /** All messages before the offset are safe. */
  save(offset: string): Promise<void>;
}

export interface Plan {
  source: Source;
  /** Where to begin; undefined: at the beginning. */
  offset: string | undefined;
  /** Messages to write at most. */
  limit: number;
  /** Whether it ends when nothing more is there. */
  once: boolean;
  backOff: BackOff;
  /** Gets a line for each failure that passes, and one when it has passed. */
  tell: (line: string) => void;
}

/**
 * Follows the feed until `stop`, or until the plan is fulfilled. The offset of an answer is saved after its messages are
 * safe, so a collector that is killed repeats at most its last answer. Throws a Failure.
 */
export async function follow(plan: Plan, sink: Sink, stop: AbortSignal): Promise<void> {
  let position: Position = { offset: plan.offset ?? BEGINNING, isLive: false, cursor: undefined };
  let left = plan.limit;
  while (left > 0) {
    const began = performance.now();
    const answer = await answered(plan, position, Math.min(left, MAX_MESSAGES), stop);
    if (answer === undefined) return;
    left -= await kept(answer, position, left, sink);
    if (plan.once && answer.isUpToDate) return;
    const isStill = answer.messages.length === 0 && answer.offset === position.offset;
    // A server that does not let live requests wait must not be asked thousands of times a second.
    if (isStill && position.isLive && performance.now() - began < WAITED_MS) await slept(plan.backOff.next(), stop);
    else if (isStill && !answer.isUpToDate) await slept(plan.backOff.next(), stop);
    else plan.backOff.reset();
    position = { offset: answer.offset, isLive: answer.isUpToDate, cursor: answer.cursor ?? position.cursor };
  }
}

/** Writes the messages of an answer, at most `left`, and saves its offset. Returns how many it wrote. */
async function kept({ messages, offset }: Answer, from: Position, left: number, sink: Sink): Promise<number> {
  const written = messages.length > left ? messages.slice(0, left) : messages;
  if (written.length > 0) await sink.write(written);
  if (written.length === messages.length && offset !== from.offset) await sink.save(offset);
  return written.length;
}

/** An answer, after as many requests as it takes; undefined after `stop`. */
async function answered(plan: Plan, position: Position, limit: number, stop: AbortSignal): Promise<Answer | undefined> {
  for (let failures = 0; ; failures++) {
    try {
      const answer = await ask(plan.source, position, limit, stop);
      if (failures > 0) plan.tell("The server answers again.");
      return answer;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (!(error instanceof Again)) throw error;
      if (plan.once && failures >= MAX_FAILURES_ONCE)
        throw new Failure(`${error.message}. Gave up, because of --once.`);
      const ms = plan.backOff.next(error.afterMs);
      plan.tell(`${error.message}. Trying again in ${(ms / MILLISECONDS_PER_SECOND).toFixed(1)} s.`);
      await slept(ms, stop);
    }
    if (stop.aborted) return undefined;
  }
}

const slept = (ms: number, stop: AbortSignal): Promise<void> =>
  pause(ms, undefined, { signal: stop }).catch(() => undefined);
