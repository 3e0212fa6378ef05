const encoder = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** The UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The length of a text in UTF-8, in bytes. */
export const byteLength = (text: string): number => encoder.encode(text).byteLength;

/** The SHA-256 of bytes, or of a text in UTF-8: 32 bytes. */
export const sha256 = async (data: string | Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", asSource(typeof data === "string" ? utf8(data) : data)));

/** The first `bytes` (at most 32) of the SHA-256 of bytes or a text, as lower-case hex: two digits a byte. */
export const sha256Hex = async (data: string | Uint8Array, bytes = 32): Promise<string> =>
  (await sha256(data)).subarray(0, bytes).toHex();

/** The HMAC-SHA-256 of `data`: 32 bytes. */
export async function hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", asSource(key), HMAC, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, asSource(data)));
}

/** The types of Node refuse bytes that threads may share; ours are never shared. */
const asSource = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
