import { badRequest, HttpError, tooLarge } from "../http/errors.ts";

/** Bytes of a request, as sent and again when inflated. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Content-Encoding → whether the body is inflated. */
const ENCODINGS: Readonly<Record<string, boolean>> = { identity: false, gzip: true, "x-gzip": true };

/** The bytes as sent, which a signature is made over. Throws 413 as soon as there are too many. */
export async function readRaw(request: Request): Promise<Uint8Array> {
  return joined(rawChunks(request));
}

/**
 * The body of a request, inflated while it is read. Takes the raw bytes when they have been read before. Only one of its
 * methods may be called, once. Throws 413 when the body is too large, 400 when it is not what its headers say.
 */
export class Body {
  readonly #chunks: AsyncIterable<Uint8Array>;

  constructor(request: Request, raw: Uint8Array | undefined) {
    const encoding = request.headers.get("Content-Encoding")?.trim().toLowerCase() || "identity";
    const isGzip = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
    if (isGzip === undefined) {
      const supported = Object.keys(ENCODINGS);
      throw new HttpError(415, { detail: `Content-Encoding must be one of: ${supported.join(", ")}.`, supported });
    }
    const chunks = raw === undefined ? rawChunks(request) : once(raw);
    this.#chunks = isGzip ? inflated(chunks) : chunks;
  }

  bytes(): Promise<Uint8Array> {
    return joined(this.#chunks);
  }

  async text(): Promise<string> {
    const decoder = newDecoder();
    return decoded(decoder, await this.bytes()) + decoded(decoder);
  }

  /** The lines that each chunk completes, without their ends. A long line may come in many chunks. */
  async *lines(): AsyncGenerator<string[]> {
    const decoder = newDecoder();
    let begun: string[] = [];
    for await (const chunk of this.#chunks) {
      const lines = decoded(decoder, chunk).split("\n");
      const rest = lines.pop() ?? "";
      if (lines.length > 0) {
        lines[0] = [...begun, lines[0]].join("");
        yield lines;
        begun = [];
      }
      begun.push(rest);
    }
    yield [[...begun, decoded(decoder)].join("")];
  }
}

async function* rawChunks(request: Request): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get("Content-Length") ?? 0) > MAX_BODY_BYTES) throw tooLarge("The body", MAX_BODY_BYTES);
  if (request.body !== null) yield* bounded(request.body, "The body");
}

/** Reads all compressed bytes first, which are few, so that their errors are not taken for errors of gzip. */
async function* inflated(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new Blob([await joined(chunks)]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    yield* bounded(stream, "The inflated body");
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw badRequest({ detail: "The body is not valid gzip." });
  }
}

async function* bounded(chunks: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge(what, MAX_BODY_BYTES);
    yield chunk;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

const newDecoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decoded(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch {
    throw badRequest({ detail: "The body is not valid UTF-8." });
  }
}
