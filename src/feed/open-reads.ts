import { tooManyRequests } from "../http/errors.ts";

/** Answers that go on for long, which one token may have open in one isolate. */
export const MAX_OPEN_READS = 50;
/** Seconds until one of them has ended. */
const RETRY_AFTER = 30;

const open = new Map<string, number>();

/** Counts one more for a client; the result ends it, once. Throws 429 beyond MAX_OPEN_READS. `client`: stands for the token. */
export function openRead(client: string): () => void {
  const count = open.get(client) ?? 0;
  if (count >= MAX_OPEN_READS) throw tooManyRequests(MAX_OPEN_READS, RETRY_AFTER);
  open.set(client, count + 1);
  let isOpen = true;
  return () => {
    if (isOpen) close(client);
    isOpen = false;
  };
}

function close(client: string): void {
  const rest = (open.get(client) ?? 1) - 1;
  if (rest > 0) open.set(client, rest);
  else open.delete(client);
}
