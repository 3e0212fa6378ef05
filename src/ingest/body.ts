import { badRequest, tooLarge } from "../http/errors.ts";

/** Bytes of a request. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** The body as text. 413 as soon as it proves too large, 400 when it is not UTF-8. */
export async function readBody(request: Request): Promise<string> {
  if (Number(request.headers.get("Content-Length") ?? 0) > MAX_BODY_BYTES) throw tooLarge("The body", MAX_BODY_BYTES);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge("The body", MAX_BODY_BYTES);
    chunks.push(chunk);
  }
  return decodeUtf8(await new Blob(chunks).arrayBuffer());
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw badRequest({ detail: "The body is not valid UTF-8." });
  }
}
