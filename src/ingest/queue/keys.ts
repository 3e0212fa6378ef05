const MICROSECONDS_PER_MILLISECOND = 1_000;

/** Prefixes in the bucket SPILL: accepted messages for the main queue, and dead messages for the dead-letter queue. */
export const SPILL_PREFIX = "spill/";
export const DEAD_PREFIX = "dead/";
/** Before the key of an object below one of them that is no list of messages. */
export const UNREADABLE_PREFIX = "unreadable/";

/** `spill/2026-11-23/10-15-00.123-{name}.json`: keys sort by time. `now` in microseconds. */
export function spillKey(prefix: string, now: number, name: string): string {
  const [day, time = ""] = new Date(now / MICROSECONDS_PER_MILLISECOND).toISOString().split("T");
  return `${prefix}${day}/${time.replaceAll(":", "-").replace("Z", "")}-${name}.json`;
}

/** The time in such a key, milliseconds since 1970; undefined for another key. */
export function spilledAt(key: string): number | undefined {
  const [, day, hour, minute, second] = /(\d{4}-\d\d-\d\d)\/(\d\d)-(\d\d)-(\d\d\.\d{3})-/.exec(key) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${hour}:${minute}:${second}Z`);
}

/** The key of the object that says how far the log has come (src/ingest/log-mark.ts). */
export const LOG_MARK_KEY = "log/mark.json";

/** The key of the object that says whether messages are outside of the queue's metrics (src/ingest/watermark/mark.ts). */
export const WATERMARK_KEY = "watermark/mark.json";

/** The key of the body of a dead letter that is too large for a row. */
export const bodyKey = (id: string): string => `bodies/${id}`;
