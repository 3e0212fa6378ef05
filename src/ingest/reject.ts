import type { Env } from "../env.ts";
import { HttpError } from "../http/errors.ts";
import { microsecondsNow } from "../values/time.ts";
import { findProducer } from "./producers/find.ts";
import { countRejection } from "./statistics/rejected.ts";

const REASONS: Readonly<Record<number, string>> = {
  400: "invalid",
  401: "credentials",
  405: "method",
  409: "conflict",
  413: "too_large",
  415: "unknown_type",
  429: "too_fast",
  503: "unavailable",
};

/**
 * Counts a refused request by its reason, after the answer. Only of producers there are: anybody can make up names.
 * `now` in milliseconds.
 */
export async function noteRejection(env: Env, name: string, error: unknown, now: number): Promise<void> {
  const status = error instanceof HttpError ? error.status : 500;
  try {
    if ((await findProducer(env, name, now)) === undefined) return;
  } catch (problem) {
    return console.error(JSON.stringify({ level: "error", event: "rejection_not_counted", error: String(problem) }));
  }
  await countRejection(env.INGEST_QUEUE, name, REASONS[status] ?? "error", microsecondsNow(now));
}
