import { Failure } from "../failure.ts";
import { type Answer, answerOf, BrokenAnswer, isOffset } from "./answer.ts";
import { printable } from "./printable.ts";

/** The exit code when the server no longer has what follows the position. */
export const GONE = 3;

/** Of an answer, in bytes, unpacked. The server's own bound is lower. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
/** Of an error's text that is printed, in characters. */
const MAX_DETAIL_LENGTH = 300;
/** The longest pause that a server may ask for. */
const MAX_RETRY_AFTER_MS = 3_600_000;

const NO_CONTENT = 204;
/** Statuses that pass, beside those from 500 on: time-out, too early, too many requests. */
const PASSING = [408, 425, 429];

export const NDJSON = "application/x-ndjson";

/** Where and how the feed is read. */
export interface Source {
  /** Of the feed, with a slash at its end. */
  url: string;
  token: string;
  filters: readonly (readonly [name: string, value: string])[];
  /** A request is given up when nothing arrives for so long. Longer than the server keeps a live request waiting. */
  timeoutMs: number;
}

export interface Position {
  offset: string;
  isLive: boolean;
  cursor: string | undefined;
}

/** A failure that passes: the same request is to be sent again. */
export class Again extends Error {
  /** What the server asks to wait at least. */
  readonly afterMs: number;

  constructor(message: string, afterMs = 0) {
    super(message);
    this.afterMs = afterMs;
  }
}

/**
 * Asks for the messages after a position, at most `limit`. An answer counts only when it has arrived whole. Throws Again,
 * or a Failure that no repetition will change. Rejects, with whatever error, after `stop`.
 */
export async function ask(source: Source, position: Position, limit: number, stop: AbortSignal): Promise<Answer> {
  const giveUp = new AbortController();
  const abort = () => giveUp.abort();
  stop.throwIfAborted();
  stop.addEventListener("abort", abort);
  const timer = setTimeout(abort, source.timeoutMs);
  try {
    return await fetched(requestOf(source, position, limit, giveUp.signal), position, timer);
  } catch (error) {
    if (error instanceof Failure || error instanceof Again) throw error;
    if (giveUp.signal.aborted) throw new Again(`Nothing arrived for ${source.timeoutMs / 1_000} s`);
    throw new Again(error instanceof BrokenAnswer ? error.message : `The connection failed (${causeOf(error)})`);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", abort);
  }
}

function requestOf({ url, token, filters }: Source, position: Position, limit: number, signal: AbortSignal): Request {
  const query = new URLSearchParams(filters.map(([name, value]) => [name, value]));
  query.set("offset", position.offset);
  query.set("limit", String(limit));
  if (position.isLive) query.set("live", "long-poll");
  if (position.isLive && position.cursor !== undefined) query.set("cursor", position.cursor);
  const headers = { Authorization: `Token ${token}`, Accept: NDJSON };
  return new Request(`${url}?${query}`, { headers, redirect: "manual", signal });
}

async function fetched(request: Request, position: Position, timer: NodeJS.Timeout): Promise<Answer> {
  const response = await fetch(request);
  timer.refresh();
  if (response.status !== 200 && response.status !== NO_CONTENT) throw await errorOf(response, timer);
  const answer = response.status === NO_CONTENT ? emptyAnswer(response) : answerOf(await ndjsonOf(response, timer));
  if (isBefore(answer.offset, position.offset))
    throw new Failure(`The server has moved the position back, from ${position.offset} to ${answer.offset}.`);
  return { ...answer, cursor: response.headers.get("Stream-Cursor") ?? answer.cursor };
}

function emptyAnswer({ headers }: Response): Answer {
  const offset = headers.get("Stream-Next-Offset") ?? "";
  if (!isOffset(offset)) throw new BrokenAnswer("The answer has no Stream-Next-Offset");
  return { messages: [], offset, isUpToDate: headers.get("Stream-Up-To-Date") === "true", cursor: undefined };
}

/** Offsets sort as the log does; `-1` and `now` are none. */
const isBefore = (offset: string, than: string): boolean => than !== "-1" && than !== "now" && offset < than;

async function ndjsonOf(response: Response, timer: NodeJS.Timeout): Promise<Uint8Array> {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith(NDJSON)) return bytesOf(response, timer, MAX_ANSWER_BYTES);
  await response.body?.cancel();
  throw new BrokenAnswer(`The answer is ${printable(type).slice(0, MAX_DETAIL_LENGTH)} and not ${NDJSON}`);
}

/** The whole body. Throws a BrokenAnswer when it is longer than `max` bytes. */
async function bytesOf(response: Response, timer: NodeJS.Timeout, max: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    timer.refresh();
    size += chunk.length;
    if (size > max) throw new BrokenAnswer(`The answer is longer than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

async function errorOf(response: Response, timer: NodeJS.Timeout): Promise<Error> {
  const { status } = response;
  const detail = await detailOf(response, timer);
  if (status >= 500 || PASSING.includes(status))
    return new Again(`The server answered ${status}`, retryAfterOf(response.headers));
  if (status === 410) return new Failure(goneText(detail), GONE);
  return new Failure(`${MEANINGS[status] ?? "The server does not answer as a feed does"} (${status}): ${detail}`);
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: "The server refuses the request",
  401: "The server does not know the token",
  403: "The token may not read this feed",
  404: "There is no feed at this URL",
};

const goneText = (detail: string): string => `The server no longer has what follows the position (410): ${detail}
Messages may be missing: either events there were deleted before they were read, or the database was restored. Nothing was
changed here. To read everything again, run this with --from beginning; who reads must then expect what it already has.`;

/** The text of a refusal, for a terminal; empty when it cannot be read. */
async function detailOf(response: Response, timer: NodeJS.Timeout): Promise<string> {
  const text = await bytesOf(response, timer, MAX_ERROR_BYTES).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
  return printable(text.trim()).slice(0, MAX_DETAIL_LENGTH);
}

/** Seconds or a date. */
function retryAfterOf(headers: Headers): number {
  const text = headers.get("Retry-After") ?? "";
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms || 0));
}

/** The reason in an error of fetch, such as `connect ECONNREFUSED 127.0.0.1:1`. It has no header in it. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message || cause.name : String(cause);
  return printable(text).slice(0, MAX_DETAIL_LENGTH);
}
