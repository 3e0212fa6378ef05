import { MAX_PAGE_BYTES, MAX_RETRY_AFTER_MS } from "./limits.ts";
import { MirrorProblem } from "./problems.ts";
import { wholeNumber } from "./range.ts";

/** Throws a MirrorProblem for every answer but a 200. `now` in milliseconds. */
export function assertUsable({ status, headers }: Response, now: number): void {
  if (status === 200) return;
  if (status === 401 || status === 403) throw new MirrorProblem("refused", `${status}`);
  const pause = retryAfter(headers.get("Retry-After"), now);
  if (status === 429) throw new MirrorProblem("throttled", "429", pause);
  if (status === 404) throw new MirrorProblem("not_found", "404");
  if (status >= 300 && status < 400) throw new MirrorProblem("redirected", `${status}`);
  throw new MirrorProblem("server_error", `${status}`, pause);
}

/** Seconds or an HTTP date as milliseconds from now; undefined for anything else. */
function retryAfter(value: string | null, now: number): number | undefined {
  const seconds = wholeNumber(value);
  const ms = seconds === undefined ? Date.parse(value ?? "") - now : seconds * 1_000;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** Milliseconds by which the clock of the answer is ahead; undefined without a usable `Date`. */
export function skewOf({ headers }: Response, now: number): number | undefined {
  const date = Date.parse(headers.get("Date") ?? "");
  return Number.isNaN(date) ? undefined : date - now;
}

/** The answer is larger than MAX_PAGE_BYTES. */
export class TooLarge extends Error {}

/** The text of an answer. Throws TooLarge as soon as more bytes than allowed have come, and before it is parsed. */
export async function boundedText(response: Response): Promise<string> {
  if ((wholeNumber(response.headers.get("Content-Length")) ?? 0) > MAX_PAGE_BYTES) throw new TooLarge();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_PAGE_BYTES) throw new TooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** X-Result-Count. HTML is no answer of the API at all. */
export function countOf({ headers }: Response): number {
  if (!/^application\/json\b/.test(headers.get("Content-Type") ?? "")) throw new MirrorProblem("no_json");
  const count = wholeNumber(headers.get("X-Result-Count"));
  if (count === undefined) throw new MirrorProblem("no_count");
  return count;
}

/** The list in an answer. JSON that breaks off may be whole the next time. */
export function listIn(text: string, parse: (text: string) => unknown): unknown[] {
  const value = parsedBy(parse, text);
  if (!Array.isArray(value)) throw new MirrorProblem("no_events");
  return value;
}

function parsedBy(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new MirrorProblem("half_page");
  }
}
