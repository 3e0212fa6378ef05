import { and, eq } from "drizzle-orm";
import { database } from "../../db/client.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { HttpError, reason, tooManyRequests } from "../../http/errors.ts";
import { withDeadline } from "../../values/deadline.ts";
import { dayOf } from "../../values/periods.ts";
import { ingestDays } from "../table.ts";
import type { Producer } from "./find.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MS_PER_SECOND = 1_000;
const MICROSECONDS_PER_MS = 1_000;
/** Milliseconds that an isolate uses the number of events that the database has counted for a producer. */
const FRESH_MS = 10_000;
const LOOKUP_DEADLINE_MS = 1_000;
const MAX_PRODUCERS = 10_000;

/** Events of a producer in one minute, counted by this isolate. */
const minutes = new ExpiringCache<{ minute: number; events: number }>(MAX_PRODUCERS);
/** Events of a producer on one day: those that the database has counted, and those that this isolate accepted since. */
interface Spent {
  day: string;
  counted: number;
  since: number;
  /** Milliseconds. */
  readAt: number;
}

const days = new ExpiringCache<Spent>(MAX_PRODUCERS);

/**
 * Counts the events of a request against the rate and the daily quota of its producer. Throws 429 when they exceed one of
 * them; the events are not counted then. The rate is that of one isolate. The quota is checked with the database every
 * few seconds, so it may be exceeded by what other isolates accept meanwhile; while the database does not answer, the last
 * count is used. `now` in milliseconds.
 */
export async function spend(DB: D1Database, producer: Producer, events: number, now: number): Promise<void> {
  const { name, maxRate, dailyQuota } = producer;
  if (maxRate !== undefined) checkRate(name, maxRate, events, now);
  if (dailyQuota !== undefined) await checkQuota(DB, name, dailyQuota, events, now);
}

function checkRate(name: string, limit: number, events: number, now: number): void {
  const minute = Math.floor(now / MINUTE_MS);
  const last = minutes.get(name, MINUTE_MS, now);
  const before = last?.minute === minute ? last.events : 0;
  const rule = `This producer may send ${limit} events a minute.`;
  if (events > limit) throw neverFits("max_rate", rule, events);
  if (before + events > limit) throw exceeded(limit, untilNext(MINUTE_MS, now), rule);
  minutes.set(name, { minute, events: before + events }, now);
}

async function checkQuota(DB: D1Database, name: string, limit: number, events: number, now: number): Promise<void> {
  const day = dayOf(now * MICROSECONDS_PER_MS);
  if (now - spentOn(day, name, now).readAt >= FRESH_MS) await readCount(DB, name, day, now);
  // From here on nothing waits, so requests at the same moment see what each other spends.
  const today = spentOn(day, name, now);
  const rule = `This producer may send ${limit} events a day (UTC).`;
  if (events > limit) throw neverFits("daily_quota", rule, events);
  if (today.counted + today.since + events > limit) throw exceeded(limit, untilNext(DAY_MS, now), rule);
  days.set(name, { ...today, since: today.since + events }, now);
}

function spentOn(day: string, name: string, now: number): Spent {
  const last = days.get(name, DAY_MS, now);
  return last?.day === day ? last : { day, counted: 0, since: 0, readAt: Number.NEGATIVE_INFINITY };
}

/** Takes over the number of the database, unless it does not answer. */
async function readCount(DB: D1Database, name: string, day: string, now: number): Promise<void> {
  try {
    const isToday = and(eq(ingestDays.producer, name), eq(ingestDays.day, day));
    const select = database(DB).select({ accepted: ingestDays.accepted }).from(ingestDays).where(isToday);
    const [row] = await withDeadline(select, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
    const { counted, since } = spentOn(day, name, now);
    // The consumer may not have written what this isolate has accepted: the larger number is the better one.
    days.set(name, { day, counted: Math.max(row?.accepted ?? 0, counted + since), since: 0, readAt: now }, now);
  } catch (error) {
    console.warn(
      JSON.stringify({ level: "warn", event: "quota_not_read", producer: name, error: reason(error).error }),
    );
    days.set(name, { ...spentOn(day, name, now), readAt: now }, now);
  }
}

const untilNext = (period: number, now: number): number => Math.ceil((period - (now % period)) / MS_PER_SECOND);

const exceeded = (limit: number, seconds: number, rule: string) =>
  tooManyRequests(limit, seconds, `${rule} Try again in ${seconds} s.`);

/** 403: the request can never be accepted, so its sender must not try again. */
const neverFits = (rule: string, sentence: string, events: number) =>
  new HttpError(403, { detail: `${sentence} This request has ${events}; send fewer in one request.`, rule });
