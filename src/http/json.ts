import type { Context } from "hono";
import type { App } from "../env.ts";
import { reason } from "./errors.ts";

/** Shared caches must not store the response; a private cache must revalidate it. */
export const PRIVATE_REVALIDATE = "private, no-cache";

/** An event has 64 KiB at most. */
const BUFFER_BYTES = 65_536;

const encoder = new TextEncoder();

/** JSON text that is too long to be in memory at once. */
export interface LongJson {
  /** Of the whole text in UTF-8. */
  bytes: number;
  /** The text from its beginning, in parts. Called when the client begins to read. */
  parts: () => AsyncGenerator<string>;
}

/**
 * 200 with a body of JSON text. Sets Content-Length (bytes), so that HEAD, which runs the same route without its
 * body, has the length of the GET body.
 */
export function jsonText(c: Context<App>, text: string | LongJson, headers: Record<string, string> = {}): Response {
  // The bytes are in a buffer of their own.
  const body = typeof text === "string" ? (encoder.encode(text) as Uint8Array<ArrayBuffer>) : text;
  c.header("Content-Type", "application/json");
  c.header("Content-Length", String("parts" in body ? body.bytes : body.byteLength));
  c.header("Cache-Control", PRIVATE_REVALIDATE);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (!("parts" in body)) return c.body(body);
  return c.req.method === "HEAD" ? c.body(null) : c.body(streamOf(c, body));
}

/** A stream that keeps Content-Length, unlike others, and fails when the parts have not that many bytes. */
function streamOf(c: Context<App>, { bytes, parts }: LongJson): ReadableStream {
  const { readable, writable } = new FixedLengthStream(bytes);
  void send(c, parts(), writable.getWriter());
  return readable;
}

/**
 * Writes each text when the client has taken the one before. After an error, the client has fewer bytes than
 * Content-Length says. Never throws.
 */
async function send(c: Context<App>, texts: AsyncGenerator<string>, writer: WritableStreamDefaultWriter) {
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    for await (const text of texts) if (!(await isTaken(writer, text, buffer))) return;
    await writer.close();
  } catch (error) {
    console.error(JSON.stringify({ level: "error", request: c.get("requestId"), ...reason(error) }));
    await writer.abort(error).catch(() => undefined);
  }
}

/** False when the client has gone away. A write ends when its bytes are taken, so one buffer serves them all. */
async function isTaken(writer: WritableStreamDefaultWriter, text: string, buffer: Uint8Array): Promise<boolean> {
  for (let rest = text; rest !== ""; ) {
    const { read, written } = encoder.encodeInto(rest, buffer);
    const taken = await writer.write(buffer.subarray(0, written)).then(
      () => true,
      () => false,
    );
    if (!taken) return false;
    rest = rest.slice(read);
  }
  return true;
}
