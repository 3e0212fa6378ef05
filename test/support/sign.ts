const HMAC = { name: "HMAC", hash: "SHA-256" };

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, HMAC, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)));
}

/** The headers of a Standard Webhooks message. `key`: base64, without `whsec_`; `at`: seconds since 1970. */
export async function standardWebhook(key: string, id: string, at: number, body: string) {
  const signature = (await hmac(Uint8Array.fromBase64(key), `${id}.${at}.${body}`)).toBase64();
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${signature}` };
}

/** The header GitHub sends. */
export const hubSignature = async (secret: string, body: string) => ({
  "X-Hub-Signature-256": `sha256=${(await hmac(new TextEncoder().encode(secret), body)).toHex()}`,
});
