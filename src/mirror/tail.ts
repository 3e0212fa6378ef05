import { MAX_TAIL_PAGES, PAGE_EVENTS, TAIL_OVERLAP } from "./limits.ts";
import { earlierNow, type Mirror, newRequests } from "./mirror.ts";
import { MICROSECONDS } from "./range.ts";

/**
 * Reads what is new, from a little before the last time on: events that the web hook did not bring, or whose uuid it did not
 * know. Without an end, so that events of a clock that is ahead come, too. Not settled, so it proves nothing: once it is,
 * it becomes a window.
 */
export async function readTail(mirror: Mirror): Promise<void> {
  const { run, theirs, store } = mirror;
  let end = Math.floor(earlierNow(mirror) / 1_000);
  const from = Math.max(run.cursor ?? 0, run.tail_through - TAIL_OVERLAP);
  for (let page = 1; page <= MAX_TAIL_PAGES; page++) {
    const got = await theirs.page({ from }, page, PAGE_EVENTS);
    if (got === undefined) break;
    const known = await mirror.known(got.events.map(({ uuid }) => uuid));
    await mirror.send(got.events.filter(({ uuid }) => !known.has(uuid)));
    if (page * PAGE_EVENTS >= got.total) break;
    if (page === MAX_TAIL_PAGES) end = Math.min(end, Math.floor((got.events.at(-1)?.created ?? 0) / MICROSECONDS));
  }
  await store.save({ tail_through: end }, { requests: newRequests(mirror) });
  run.tail_through = end;
}
