/** Of a message, in bytes. An event has at most a few hundred kilobytes, which escapes make longer. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Printable ASCII without what separates the parts of a URL; the protocol allows at most 255 characters. */
const OFFSET = /^[!-%'-+\-.0-<>@-~]{1,255}$/;

/** What a server has answered cannot be used. The same request may do better later. */
export class BrokenAnswer extends Error {}

/** A whole answer of the feed. */
export interface Answer {
  /** The messages as the server wrote them, without line ends. */
  messages: readonly Uint8Array[];
  /** Where to go on. */
  offset: string;
  /** Whether nothing more was there. */
  isUpToDate: boolean;
  /** To be sent with the next live request. */
  cursor: string | undefined;
}

export const isOffset = (text: string): boolean => OFFSET.test(text);

/**
 * Reads NDJSON whose last line is the control line. Without one, the answer was cut off. The messages are not parsed, so
 * numbers stay as they are. Throws a BrokenAnswer.
 */
export function answerOf(body: Uint8Array): Answer {
  const lines = linesOf(body);
  const control = controlOf(lines.pop());
  return { messages: lines, ...control };
}

function linesOf(body: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(NEWLINE, start);
    const end = found < 0 ? body.length : found;
    if (end - start > MAX_LINE_BYTES) throw new BrokenAnswer(`A message is longer than ${MAX_LINE_BYTES} bytes`);
    if (end > start) lines.push(body.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function controlOf(line: Uint8Array | undefined): Omit<Answer, "messages"> {
  const control = parsed(line);
  const { op, streamNextOffset, upToDate, streamCursor } = control;
  if (op !== "control" || typeof streamNextOffset !== "string" || !isOffset(streamNextOffset))
    throw new BrokenAnswer("The answer was cut off");
  const cursor = typeof streamCursor === "string" ? streamCursor : undefined;
  return { offset: streamNextOffset, isUpToDate: upToDate === true, cursor };
}

/** An empty object for what is no JSON object. */
function parsed(line: Uint8Array | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(line));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
