import { hmacSha256 } from "../../values/bytes.ts";
import { MAX_SECRETS } from "./schemes.ts";

/** Signatures of one request that are checked: two during a rotation, and two to spare. */
const MAX_SIGNATURES = 4;
const DIGEST_BYTES = 32;
/** Digits of a time in seconds since 1970. */
const MAX_TIME_LENGTH = 12;
/** Replaces an absent key or signature, so that every request costs the same work. */
const NOBODYS = new Uint8Array(DIGEST_BYTES);
const NOBODYS_OTHER = new Uint8Array(DIGEST_BYTES).fill(1);

/** Whether a request has a signature, which is made over its raw body. */
export const isSigned = (headers: Headers): boolean =>
  headers.has("webhook-signature") || headers.has("X-Hub-Signature-256");

/**
 * Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * the time of the signature (seconds since 1970); undefined when no signature matches a key.
 */
export async function standardWebhookTime(
  headers: Headers,
  body: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<number | undefined> {
  const id = headers.get("webhook-id") ?? "";
  const timestamp = headers.get("webhook-timestamp") ?? "";
  const signatures = (headers.get("webhook-signature") ?? "").split(" ").flatMap((entry) => {
    const [version, signature = ""] = entry.split(",");
    return version === "v1" ? [fromBase64(signature)] : [];
  });
  const signed = new Blob([`${id}.${timestamp}.`, body]);
  const matches = await anyMatch(new Uint8Array(await signed.arrayBuffer()), keys, signatures);
  return matches && id !== "" && /^\d{1,12}$/.test(timestamp) && !beginsWithTime(body) ? Number(timestamp) : undefined;
}

/**
 * Whether a body begins with digits and a full stop, as no format does. The signed text joins id, time and body by full
 * stops, so the end of an id such as `order.1790000000` could be passed off as the time, and the time as part of the body.
 */
const beginsWithTime = (body: Uint8Array): boolean =>
  /^\d{1,12}\./.test(String.fromCharCode(...body.subarray(0, MAX_TIME_LENGTH + 1)));

/** Whether a key signed the body in GitHub's way: `sha256=` and the HMAC of the body in hex. */
export async function isGithubSigned(
  headers: Headers,
  body: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<boolean> {
  const hex = /^sha256=([\da-f]{64})$/i.exec(headers.get("X-Hub-Signature-256") ?? "")?.[1];
  return anyMatch(body, keys, hex === undefined ? [] : [Uint8Array.fromHex(hex)]);
}

/** Constant time: the number of HMACs and comparisons depends on neither the keys nor the signatures. */
async function anyMatch(data: Uint8Array, keys: readonly Uint8Array[], signatures: readonly Uint8Array[]) {
  let matches = 0;
  for (let index = 0; index < MAX_SECRETS; index++) {
    const key = keys[index];
    const digest = await hmacSha256(key ?? NOBODYS, data);
    for (let place = 0; place < MAX_SIGNATURES; place++) {
      const isEqual = crypto.subtle.timingSafeEqual(digest, signatures[place] ?? NOBODYS_OTHER);
      matches += Number(isEqual && key !== undefined);
    }
  }
  return matches > 0;
}

function fromBase64(text: string): Uint8Array {
  try {
    const bytes = Uint8Array.fromBase64(text);
    return bytes.byteLength === DIGEST_BYTES ? bytes : NOBODYS_OTHER;
  } catch {
    return NOBODYS_OTHER;
  }
}
