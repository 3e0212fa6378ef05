import { csvEnd, csvHeader } from "./messages.ts";
import { completeThrough, type Page, readPage } from "./read.ts";
import { type FeedRequest, MAX_LIMIT } from "./request.ts";
import { offsetAfter, sourceOf } from "./respond.ts";

/**
 * Pages in one answer: each takes up to six statements of the 1,000 of an invocation
 * (https://developers.cloudflare.com/d1/platform/limits/).
 */
const MAX_PAGES = 150;
/** Milliseconds between two looks at who the reader is, and what it may see. */
const LOOK_MS = 20_000;

/** How a format prints what comes before the messages, between them and after them. */
interface Printer {
  begin: (feed: FeedRequest) => string;
  messages: (texts: readonly string[]) => string;
  end: (feed: FeedRequest, offset: string, page: Page) => string;
}

export const ndjson: Printer = {
  begin: () => "",
  messages: (texts) => texts.map((text) => `${text}\n`).join(""),
  end: (_feed, offset, page) => `${JSON.stringify(control(offset, page))}\n`,
};

export const csv: Printer = {
  begin: ({ fields }) => csvHeader(fields),
  messages: (texts) => texts.join(""),
  end: ({ fields }, offset) => csvEnd(fields, offset),
};

const control = (offset: string, page: Page) => ({
  op: "control",
  streamNextOffset: offset,
  ...(page.isUpToDate ? { upToDate: true } : {}),
  streamCompleteThrough: completeThrough(page),
});

/**
 * The messages up to the end of the log, or of one page where the request has a `limit`; the last line says where to go on.
 * After an error, the last line is missing.
 */
export async function* exported(feed: FeedRequest, first: Page, printer: Printer): AsyncGenerator<string> {
  const pages = feed.hasLimit ? 1 : MAX_PAGES;
  let [now, page, lookedAt] = [{ ...feed, limit: feed.hasLimit ? feed.limit : MAX_LIMIT }, first, Date.now()];
  yield printer.begin(feed) + printer.messages(page.messages);
  for (let count = 1; count < pages && !page.isUpToDate; count++) {
    if (Date.now() - lookedAt > LOOK_MS) {
      now = { ...now, following: (await now.renew()).following };
      lookedAt = Date.now();
    }
    page = await readPage(sourceOf(now), page.next);
    yield printer.messages(page.messages);
  }
  yield printer.end(feed, await offsetAfter(feed, page), page);
}

/** One page in the same form. */
export async function* exportedPage(feed: FeedRequest, page: Page, printer: Printer): AsyncGenerator<string> {
  yield printer.begin(feed) + printer.messages(page.messages) + printer.end(feed, await offsetAfter(feed, page), page);
}
