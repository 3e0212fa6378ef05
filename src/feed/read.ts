import type { Reader } from "../db/reader.ts";
import type { Following } from "../events/log/entries.ts";
import { type Entry, type LogPart, type LogState, readContent, readPart, readState } from "../events/log/follow.ts";
import { eventJson } from "../events/representation.ts";
import { byteLength } from "../values/bytes.ts";
import { printTime } from "../values/time.ts";
import { gone } from "./gone.ts";
import type { Position } from "./offset.ts";
import type { FeedRequest } from "./request.ts";

/** Bytes of messages in one page; more where one message has more. */
export const MAX_PAGE_BYTES = 2_000_000;

/** Events in one page whose content is read one by one: each costs a row more. */
const MAX_LARGE = 250;

/** A part of a feed. */
export interface Page {
  /** As printed. */
  messages: string[];
  next: Position;
  /** Whether there was nothing more. */
  isUpToDate: boolean;
  state: LogState;
}

/** Up to when its reader has everything, as the API prints times; undefined before the end, and while nobody knows. */
export const completeThrough = ({ isUpToDate, state }: Page): string | undefined =>
  isUpToDate && state.completeThrough > 0 ? printTime(state.completeThrough) : undefined;

/** What reads pages: a request for the feed, or the same one with what its reader may see by now. */
export type Source = Pick<FeedRequest, "following" | "fields" | "limit" | "printMessage"> & { reader: Reader };

/** The page after a place. Throws 410 when the log goes no further back, or was restored, or when a replica is behind. */
export async function readPage(source: Source, from: Position | "beginning", now = Date.now()): Promise<Page> {
  const { reader, following } = source;
  if (following === undefined) return nothing(await readState(reader), from, now);
  return pageOf(source, following, from, now);
}

/** The place at the end of the log. */
export async function endOf({ reader }: Pick<Source, "reader">, now = Date.now()): Promise<Page> {
  const state = await readState(reader);
  return { messages: [], next: { ...beginning(state, now), after: state.end }, isUpToDate: true, state };
}

/** The place of a reader who has nothing yet. */
const beginning = ({ incarnation, lastPeriod }: LogState, now: number): Position => ({
  ...{ incarnation, after: 0, period: lastPeriod, oldest: Infinity, madeAt: now },
});

async function pageOf(source: Source, following: Following, from: Position | "beginning", now: number): Promise<Page> {
  const { reader, fields, limit } = source;
  const begins = from === "beginning";
  const place = begins ? { after: 0, period: 0 } : from;
  const part = await readPart(reader, following, place, { limit, fields, begins });
  const { state } = part;
  if (!begins) assertGoesOn(from, part);
  const { entries, isWhole } = shortened(part, limit, fields);
  const after = isWhole ? part.upto : (entries.at(-1)?.number ?? place.after);
  const before = begins ? beginning(state, now) : from;
  const told = following.within ? withPeriod(entries, part, before, after) : { entries, oldest: Infinity };
  const whole = await withContent(source, told.entries);
  const isQuiet = whole.length === 0 && following.within !== undefined;
  return {
    messages: (await Promise.all(whole.map(source.printMessage))).filter((text) => text !== undefined),
    next: { ...nextOf(before, state, { after, now, isQuiet }), oldest: told.oldest },
    isUpToDate: after >= state.end,
    state,
  };
}

/** The place after a page. What others have written must not show in the offset of a reader who sees a part. */
function nextOf(
  before: Position,
  { incarnation, lastPeriod, end }: LogState,
  { after, now, isQuiet }: { after: number; now: number; isQuiet: boolean },
): Omit<Position, "oldest"> {
  return {
    incarnation,
    after: isQuiet && after >= end ? before.after : after,
    period: after >= lastPeriod ? lastPeriod : before.period,
    madeAt: Math.max(now, before.madeAt + 1),
  };
}

/** Whether a page shows less of the log than its reader has been told of: a replica has it from before. */
export function isBehind({ state }: Page, from: Position | "beginning" | "now"): boolean {
  if (typeof from === "string") return false;
  if (from.incarnation !== state.incarnation) return from.incarnation > state.incarnation;
  return from.after > state.end || from.period > state.lastPeriod;
}

/** The page after one without messages, for who was told that there is more: two rows read when there is not. */
export async function readAgain(source: Source, page: Page): Promise<Page> {
  const state = await readState(source.reader);
  if (!isSameState(state, page)) return readPage(source, page.next);
  // Offsets of a reader who sees a part sort by their time; that of the same place may be told again.
  const next = { ...page.next, madeAt: page.next.madeAt + 1 };
  if (!source.reader.isFromReplica) return { ...page, messages: [], next, state };
  // A replica that has not got it yet.
  source.reader.continueFromPrimary();
  return readPage(source, page.next);
}

const isSameState = (state: LogState, page: Page): boolean =>
  state.end === page.state.end && state.incarnation === page.state.incarnation;

const nothing = (state: LogState, from: Position | "beginning", now: number): Page => ({
  messages: [],
  next: from === "beginning" ? beginning(state, now) : from,
  isUpToDate: true,
  state,
});

/** Throws 410 for an offset of another incarnation, and when events were deleted that its reader has not read. */
function assertGoesOn(from: Position, { state, deletedUpto }: LogPart): void {
  if (from.incarnation !== state.incarnation || from.after > state.end)
    throw gone("The log was restored to an earlier time since this offset was given.");
  if (deletedUpto > from.after) throw gone("Events after this offset were deleted by retention.");
}

/** The entries that fit into one page, and whether these are all. */
function shortened({ entries }: LogPart, limit: number, fields: readonly string[]) {
  let [bytes, large] = [0, 0];
  const fitting = entries.slice(0, limit).findIndex((entry, index) => {
    bytes += bytesOf(entry, fields);
    large += "event" in entry && entry.event.unread > 0 ? 1 : 0;
    return (bytes > MAX_PAGE_BYTES || large > MAX_LARGE) && index > 0;
  });
  const count = fitting < 0 ? Math.min(entries.length, limit) : fitting;
  return { entries: entries.slice(0, count), isWhole: count === entries.length };
}

function bytesOf(entry: Entry, fields: readonly string[]): number {
  if (!("event" in entry)) return 0;
  const { event } = entry;
  return event.unread > 0 ? event.unread : byteLength(eventJson(event, fields));
}

/** The entries with the content of their events, without events that were deleted meanwhile: that is an entry, too. */
async function withContent({ reader }: Source, entries: readonly Entry[]): Promise<Entry[]> {
  const unread = entries.flatMap((entry) => ("event" in entry && entry.event.unread > 0 ? [entry.event.id] : []));
  if (unread.length === 0) return [...entries];
  const content = await readContent(reader, unread);
  return entries.flatMap((entry): Entry[] => {
    if (!("event" in entry) || entry.event.unread === 0) return [entry];
    const event = content.get(entry.event.id);
    return event === undefined ? [] : [{ ...entry, event }];
  });
}

/**
 * For a reader who sees a part of the log: the entries and, at the place of the newest deleted period, that the reader's own
 * events from before a time are gone, if it has any. Also the time of the oldest one that it has afterwards.
 */
function withPeriod(entries: readonly Entry[], { oldest: left, state }: LogPart, before: Position, after: number) {
  const number = state.lastPeriod;
  const earlier = entries.filter((entry) => entry.number < number);
  const held = oldestOf(earlier, before.oldest);
  if (left === undefined || left <= held || after < number)
    return { entries, oldest: oldestOf(entries, before.oldest) };
  const later = entries.slice(earlier.length);
  const gone: Entry = { op: "period", number, createdBefore: left };
  return { entries: [...earlier, gone, ...later], oldest: oldestOf(later, left) };
}

const oldestOf = (entries: readonly Entry[], oldest: number): number =>
  Math.min(oldest, ...entries.flatMap((entry) => ("event" in entry ? [entry.event.created] : [])));
