import type { Budget } from "./budget.ts";
import { SETTLED_AFTER } from "./limits.ts";
import type { Sides } from "./reading.ts";
import type { Run } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Upstream } from "./upstream.ts";

/** What the steps of one slice share. Steps change `run` as they write it. */
export interface Mirror extends Sides {
  theirs: Upstream;
  store: Store;
  budget: Budget;
  run: Run;
  /** Milliseconds. */
  now: () => number;
  /** 0 ≤ random() < 1. */
  random: () => number;
  /** The events of these uuids that are stored. */
  known: (uuids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Requests that were added to the run. */
  requestsSaved: number;
}

type Clocks = Pick<Mirror, "now" | "theirs">;

/** Milliseconds: the earlier of both clocks, so that nothing counts as settled that one of them has not reached. */
export const earlierNow = ({ now, theirs }: Clocks): number => now() + Math.min(0, theirs.skew);

/** Seconds: events before this time are settled. */
export const settledEnd = (clocks: Clocks): number => Math.floor(earlierNow(clocks) / 1_000) - SETTLED_AFTER;

/** The requests since the last write, to be added with the next one. */
export function newRequests(mirror: Mirror): number {
  const fresh = mirror.budget.requests - mirror.requestsSaved;
  mirror.requestsSaved = mirror.budget.requests;
  return fresh;
}
