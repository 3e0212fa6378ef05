import { nextCursor } from "./cursor.ts";
import { completeThrough, type Page, readAgain, readPage } from "./read.ts";
import type { FeedRequest } from "./request.ts";
import { offsetAfter, sourceOf } from "./respond.ts";
import { waitForEntry } from "./wait.ts";

/** Milliseconds that a long poll waits, and that a stream of events lasts. */
export const LONG_POLL_MS = 25_000;
export const STREAM_MS = 55_000;
/** Milliseconds between two looks at who the reader is, and what it may see; after them, a silent stream has a comment. */
const LOOK_MS = 20_000;
/** Milliseconds between two looks for which a reader was woken and found nothing: others write much that it does not want. */
const APART_MS = 1_000;
/** Statements after which a stream ends, of the 1,000 of an invocation: the next look may take some twenty. */
const MAX_STATEMENTS = 950;

/**
 * The first page with messages, from the `first` page on, or an empty one after LONG_POLL_MS. The request is the one whose
 * reader was looked at last.
 */
export async function longPoll(feed: FeedRequest, first: Page): Promise<{ feed: FeedRequest; page: Page }> {
  const deadline = Date.now() + LONG_POLL_MS;
  let state: State = { feed, page: first, idleAt: Number.NEGATIVE_INFINITY };
  while (isIdle(state.page) && Date.now() < deadline) state = await nextLook(state, deadline);
  return state;
}

/**
 * The text of a stream of Server-Sent Events, page by page. Ends after STREAM_MS or MAX_STATEMENTS, and when the reader may no
 * longer read.
 */
export async function* eventStream(feed: FeedRequest, first: Page): AsyncGenerator<string> {
  const deadline = Date.now() + STREAM_MS;
  const cursor = nextCursor(feed.cursor);
  let state: State = { feed, page: first, idleAt: Number.NEGATIVE_INFINITY };
  yield await eventsOf(state, cursor);
  while (Date.now() < deadline && feed.events.reader.meter.statements < MAX_STATEMENTS) {
    const { page } = state;
    state = page.isUpToDate ? await nextNews(state, deadline) : { ...state, page: await pageAfter(state) };
    // A comment, so that nobody on the way takes the connection for dead.
    yield !isIdle(state.page) || isTold(page, state.page) ? await eventsOf(state, cursor) : ":\n\n";
  }
}

interface State {
  feed: FeedRequest;
  page: Page;
  /** When the reader was woken last, should it have found nothing then: milliseconds. */
  idleAt: number;
}

const isIdle = ({ messages, isUpToDate }: Page): boolean => messages.length === 0 && isUpToDate;

/** Whether a page says more of completeness than the one before. */
const isTold = (before: Page, { state }: Page): boolean => state.completeThrough > before.state.completeThrough;

const pageAfter = ({ feed, page }: State): Promise<Page> => readPage(sourceOf(feed), page.next);

/**
 * The first look that has something to say, or the one after LOOK_MS. A reader who sees a part of the log is not told at once
 * of more completeness: it grows when others write.
 */
async function nextNews(state: State, deadline: number): Promise<State> {
  const until = Math.min(deadline, Date.now() + LOOK_MS);
  const { knowsIds } = state.feed.events;
  let next = state;
  do next = await nextLook(next, until);
  while (isIdle(next.page) && !(knowsIds && isTold(state.page, next.page)) && Date.now() < until);
  return next;
}

/** Waits for an entry, then looks who the reader is by now, and what there is. */
async function nextLook({ feed, page, idleAt }: State, deadline: number): Promise<State> {
  const ms = Math.max(0, Math.min(LOOK_MS, deadline - Date.now()));
  const mayHaveMore = await waitForEntry(feed.env, page.state.end, ms);
  if (mayHaveMore) await sleepUntil(Math.min(deadline, idleAt + APART_MS));
  const { following } = await feed.renew();
  const now = { ...feed, following };
  if (!mayHaveMore) return { feed: now, page: { ...page, messages: [] }, idleAt };
  const found = await readAgain(sourceOf(now), page);
  return { feed: now, page: found, idleAt: isIdle(found) ? Date.now() : Number.NEGATIVE_INFINITY };
}

async function sleepUntil(time: number): Promise<void> {
  const ms = time - Date.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

/** The events of a page: its messages, if there are any, and where to go on, also as an id, which an EventSource sends back. */
async function eventsOf({ feed, page }: State, cursor: number): Promise<string> {
  const { messages, isUpToDate } = page;
  const offset = await offsetAfter(feed, page);
  const control = {
    streamNextOffset: offset,
    streamCursor: String(Math.max(cursor, nextCursor(undefined))),
    ...(isUpToDate ? { upToDate: true } : {}),
    streamCompleteThrough: completeThrough(page),
  };
  const data = messages.length === 0 ? "" : `event: data\ndata: [${messages.join(",")}]\n\n`;
  return `${data}event: control\ndata: ${JSON.stringify(control)}\nid: ${offset}\n\n`;
}
