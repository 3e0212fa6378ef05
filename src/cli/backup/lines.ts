import { Failure } from "../failure.ts";
import { MAX_LINE_BYTES } from "./format.ts";

const NEWLINE = 10;

/**
 * The complete lines of a stream of bytes, each with its newline. What follows the last newline is left out. Throws a Failure
 * for a line that is longer than a line of a backup can be.
 */
export async function* completeLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : joined([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield bytes.subarray(start, end + 1);
      start = end + 1;
    }
    rest = bytes.slice(start);
    if (rest.length > MAX_LINE_BYTES) throw new Failure("A line is longer than a line of a backup can be.");
  }
}

/** One array of bytes after the other. */
export function joined(arrays: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of arrays) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
