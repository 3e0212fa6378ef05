import { TooLarge } from "./answer.ts";
import { digestOf } from "./canonical.ts";
import { MAX_WINDOW_EVENTS, MAX_WINDOW_TEXT, PAGE_SIZES } from "./limits.ts";
import type { OurEvent, OurSide } from "./ours.ts";
import { MirrorProblem } from "./problems.ts";
import { MICROSECONDS, type Range } from "./range.ts";
import type { Difference } from "./rows.ts";
import type { TheirEvent, TheirSide } from "./upstream.ts";

/** Both sides, and the way from theirs to ours. */
export interface Sides {
  theirs: TheirSide;
  ours: OurSide;
  /** Returns when the events are safely in the queue, but for those that break a rule, which it returns. */
  send(events: readonly TheirEvent[]): Promise<{ event: TheirEvent; detail: string }[]>;
}

/** What came of reading all events of a range from Waldur, and comparing them with ours. */
export interface Reading {
  theirs: number;
  ours: number;
  /** Of Waldur's events. */
  digest: string;
  /** Events that we lacked, now in our queue. */
  sent: Difference[];
  /** All others in which the two sides differ. Without these, and with none sent, the digests agree. */
  differences: Difference[];
}

/** The range has more than fits into memory: `events`, as far as is known. */
export class TooMany extends Error {
  readonly events: number;

  constructor(events: number) {
    super(`${events} events are too many to be compared at once.`);
    this.events = events;
  }
}

/**
 * Reads a range page by page and sends what we lack. Throws TooMany for more than `maxEvents`, and a MirrorProblem when the
 * pages do not add up: what was sent by then is true, and is found the next time.
 */
export async function readRange(sides: Sides, range: Range, maxEvents = MAX_WINDOW_EVENTS): Promise<Reading> {
  for (const size of PAGE_SIZES) {
    try {
      return await readInPages(sides, range, size, maxEvents);
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
    }
  }
  throw new MirrorProblem("too_large");
}

async function readInPages(sides: Sides, range: Range, size: number, maxEvents: number): Promise<Reading> {
  const { left, text } = await ourLines(sides.ours, range);
  const ours = left.size;
  const lines = new Map<string, string>();
  const [sent, differences]: [Difference[], Difference[]] = [[], []];
  let length = text;
  for await (const { total, events } of pagesOf(sides.theirs, range, size)) {
    if (total > maxEvents) throw new TooMany(total);
    for (const { uuid, line } of events) {
      if (lines.has(uuid)) throw new MirrorProblem("repeated", uuid);
      const same = left.get(uuid)?.line;
      // One text in memory where both sides have the same.
      lines.set(uuid, same === line ? same : line);
      if (same !== line) length += line.length;
    }
    if (length > MAX_WINDOW_TEXT) throw new TooMany(total);
    const missing = await sendMissing(
      sides,
      events.filter(({ uuid }) => !left.has(uuid)),
    );
    sent.push(...missing.sent);
    differences.push(...missing.refused, ...settle(left, events));
  }
  differences.push(...[...left.values()].map((event) => difference("extra", event)));
  return { theirs: lines.size, ours, digest: await digestOf([...lines.values()]), sent, differences };
}

async function sendMissing(sides: Sides, missing: readonly TheirEvent[]) {
  const refused = await sides.send(missing);
  const uuids = new Set(refused.map(({ event: { uuid } }) => uuid));
  return {
    sent: missing.filter(({ uuid }) => !uuids.has(uuid)).map((event) => difference("missing", event)),
    refused: refused.map(({ event, detail }) => difference("refused", event, detail)),
  };
}

/** Takes the events that we have from `left`; returns those whose content differs. */
function settle(left: Map<string, OurEvent>, events: readonly TheirEvent[]): Difference[] {
  const altered = events.filter(({ uuid, line }) => (left.get(uuid)?.line ?? line) !== line);
  for (const { uuid } of events) left.delete(uuid);
  return altered.map((event) => difference("altered", event));
}

const difference = (
  kind: Difference["kind"],
  { uuid, created }: Pick<OurEvent, "uuid" | "created">,
  detail = "",
): Difference => ({ uuid, kind, created, detail });

/** Our events by their uuid, and the characters of their lines. */
async function ourLines(ours: OurSide, range: Range): Promise<{ left: Map<string, OurEvent>; text: number }> {
  const left = new Map<string, OurEvent>();
  let text = 0;
  for await (const part of ours.events(range)) {
    for (const event of part) {
      left.set(event.uuid, event);
      text += event.line.length;
    }
    if (text > MAX_WINDOW_TEXT) throw new TooMany(left.size);
  }
  return { left, text };
}

/** The number and the digest of our events; no digest for more than fits into memory. */
export async function ourDigest(ours: OurSide, range: Range): Promise<{ count: number; digest: string }> {
  try {
    const { left } = await ourLines(ours, range);
    return { count: left.size, digest: await digestOf([...left.values()].map(({ line }) => line)) };
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    return { count: await ours.count(range), digest: "" };
  }
}

/**
 * The pages of a range, from `first` on, with what is in the range. Waldur excludes `created_to`; one that includes it gives
 * an event on the boundary in two ranges, and it belongs to the later one. Throws a MirrorProblem when a page has not as many
 * events as its count promises, when the count changes, or when an event is of another time.
 */
export async function* pagesOf(theirs: TheirSide, range: Range, size: number, first = 1) {
  let total: number | undefined;
  for (let page = first; ; page++) {
    const got = await theirs.page(range, page, size);
    if (got === undefined || got.total !== (total ?? got.total)) throw new MirrorProblem("shifted");
    total = got.total;
    if (got.events.length !== Math.min(size, Math.max(0, total - (page - 1) * size))) {
      throw new MirrorProblem("short_page", `${got.events.length} of ${total} on page ${page}`);
    }
    yield { page, total, events: within(got.events, range) };
    if (page * size >= total) return;
  }
}

function within(events: readonly TheirEvent[], { from, to }: Range): TheirEvent[] {
  const stray = events.find(({ created }) => created < from * MICROSECONDS || created > to * MICROSECONDS);
  if (stray !== undefined) throw new MirrorProblem("no_time", stray.uuid);
  return events.filter(({ created }) => created < to * MICROSECONDS);
}
