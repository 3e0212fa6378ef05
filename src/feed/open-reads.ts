import { tooManyRequests } from "../http/errors.ts";

/** Answers that go on for long, which one token may have open in one isolate. */
export const MAX_OPEN_READS = 50;
/** Seconds until one of them has ended. */
const RETRY_AFTER = 30;
/**
 * Milliseconds for which an answer counts after its last sign of life. When a client goes away, the platform may end the
 * invocation without running another line of it (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil).
 */
const COUNTED_MS = 60_000;

/** An answer that goes on for long. */
export interface OpenRead {
  /** A sign of life. */
  goesOn: () => void;
  /** It has ended. May be called more than once. */
  close: () => void;
}

/** For each client, its open answers, and until when each counts. */
const open = new Map<string, Map<OpenRead, number>>();

/** Counts one more for a client. Throws 429 beyond MAX_OPEN_READS. `client`: stands for the token. */
export function openRead(client: string): OpenRead {
  const reads = livingReads(client, Date.now());
  if (reads.size >= MAX_OPEN_READS) throw tooManyRequests(MAX_OPEN_READS, RETRY_AFTER);
  const read = { goesOn: () => count(client, read), close: () => end(client, read) };
  count(client, read);
  return read;
}

function livingReads(client: string, now: number): Map<OpenRead, number> {
  const reads = open.get(client) ?? new Map<OpenRead, number>();
  for (const [read, until] of reads) if (until <= now) end(client, read);
  return reads;
}

function count(client: string, read: OpenRead): void {
  const reads = open.get(client) ?? new Map<OpenRead, number>();
  open.set(client, reads.set(read, Date.now() + COUNTED_MS));
}

function end(client: string, read: OpenRead): void {
  const reads = open.get(client);
  reads?.delete(read);
  if (reads?.size === 0) open.delete(client);
}
