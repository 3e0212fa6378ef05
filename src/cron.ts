import type { Env } from "./env.ts";
import { finishSearches } from "./events/search/job.ts";
import { reason } from "./http/errors.ts";
import { replayDeadLetters } from "./ingest/dead-letters/replay.ts";
import { watchLog } from "./ingest/log-mark.ts";
import { DEAD_PREFIX, SPILL_PREFIX } from "./ingest/queue/keys.ts";
import { sweep } from "./ingest/queue/spill.ts";
import { watchCompleteness } from "./ingest/watermark/job.ts";
import { mirrorWaldur } from "./mirror/job.ts";
import { writeNumbers } from "./operations/numbers.ts";

/** The jobs of each cron line of wrangler.toml. */
const JOBS: Readonly<Record<string, readonly ((env: Env) => Promise<unknown>)[]>> = {
  "* * * * *": [
    (env) => sweep(env.SPILL, SPILL_PREFIX, env.INGEST_QUEUE),
    (env) => sweep(env.SPILL, DEAD_PREFIX, env.INGEST_DEAD_LETTERS),
    replayDeadLetters,
    watchLog,
    // The numbers say how long producers are silent, up to the watermark.
    (env) => watchCompleteness(env).then(() => writeNumbers(env)),
    finishSearches,
    (env) => mirrorWaldur(env),
  ],
};

/** Runs all jobs of a cron line, even when some fail. Throws when a job fails or the line is unknown. */
export async function runJobs(cron: string, env: Env): Promise<void> {
  const jobs = Object.hasOwn(JOBS, cron) ? JOBS[cron] : undefined;
  if (jobs === undefined) throw new Error(`No job for the cron line ${cron}.`);
  const failures = (await Promise.allSettled(jobs.map((job) => job(env)))).filter((job) => job.status === "rejected");
  if (failures.length > 0) {
    throw new AggregateError(
      failures.map((job) => job.reason),
      failures.map((job) => reason(job.reason).error).join("; "),
    );
  }
}
