import { printTime } from "../values/time.ts";
import { nextCursor } from "./cursor.ts";
import { type Page, readAgain, readPage } from "./read.ts";
import type { FeedRequest } from "./request.ts";
import { offsetAfter, sourceOf } from "./respond.ts";
import { waitForEntry } from "./wait.ts";

/** Milliseconds that a long poll waits, and that a stream of events lasts. */
export const LONG_POLL_MS = 25_000;
export const STREAM_MS = 55_000;
/** Milliseconds between two looks at who the reader is, and what it may see. */
const LOOK_MS = 20_000;

/** The first page with messages, from the `first` page on, or an empty one after LONG_POLL_MS. The request is the one whose reader was looked at last. */
export async function longPoll(feed: FeedRequest, first: Page): Promise<{ feed: FeedRequest; page: Page }> {
  const deadline = Date.now() + LONG_POLL_MS;
  let state = { feed, page: first };
  while (isIdle(state.page) && Date.now() < deadline) state = await nextLook(state, deadline);
  return state;
}

/** The text of a stream of Server-Sent Events, page by page. Ends after STREAM_MS, and when the reader may no longer read. */
export async function* eventStream(feed: FeedRequest, first: Page): AsyncGenerator<string> {
  const deadline = Date.now() + STREAM_MS;
  let state = { feed, page: first };
  yield await eventsOf(state.feed, state.page);
  while (Date.now() < deadline) {
    const { page } = state;
    state = isIdle(page) ? await nextLook(state, deadline) : { ...state, page: await pageAfter(state) };
    const isNew = state.page.messages.length > 0 || !state.page.isUpToDate || isTold(page, state.page);
    // A comment, so that nobody on the way takes the connection for dead.
    yield isNew ? await eventsOf(state.feed, state.page) : ":\n\n";
  }
}

interface State {
  feed: FeedRequest;
  page: Page;
}

const isIdle = ({ messages, isUpToDate }: Page): boolean => messages.length === 0 && isUpToDate;

/** Whether a page says more of completeness than the one before. */
const isTold = (before: Page, { state }: Page): boolean => state.completeThrough > before.state.completeThrough;

const pageAfter = ({ feed, page }: State): Promise<Page> => readPage(sourceOf(feed), page.next);

/** Waits for an entry, then looks who the reader is by now, and what there is. */
async function nextLook({ feed, page }: State, deadline: number): Promise<State> {
  const ms = Math.max(0, Math.min(LOOK_MS, deadline - Date.now()));
  const mayHaveMore = await waitForEntry(feed.env, page.state.end, ms);
  const { following } = await feed.renew();
  const now = { ...feed, following };
  return { feed: now, page: mayHaveMore ? await readAgain(sourceOf(now), page) : { ...page, messages: [] } };
}

/** The events of a page: its messages, if there are any, and where to go on. */
async function eventsOf(feed: FeedRequest, page: Page): Promise<string> {
  const { messages, isUpToDate, state } = page;
  const control = {
    streamNextOffset: await offsetAfter(feed, page),
    streamCursor: String(nextCursor(feed.cursor)),
    ...(isUpToDate ? { upToDate: true } : {}),
    ...(state.completeThrough > 0 ? { streamCompleteThrough: printTime(state.completeThrough) } : {}),
  };
  const data = messages.length === 0 ? "" : `event: data\ndata: [${messages.join(",")}]\n\n`;
  return `${data}event: control\ndata: ${JSON.stringify(control)}\n\n`;
}
