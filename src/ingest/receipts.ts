import { sql } from "drizzle-orm";
import { database, runBatch } from "../db/client.ts";
import { withContent } from "../events/event.ts";
import { storedContent } from "../events/write/identity.ts";
import { notFound } from "../http/errors.ts";
import { hmacSha256, utf8 } from "../values/bytes.ts";
import { printTime } from "../values/time.ts";
import { parseUuid } from "../values/uuid.ts";
import type { AcceptedEvent } from "./event.ts";
import type { Producer } from "./producers/find.ts";

/** Bytes of the signature that are kept. */
const SIGNATURE_BYTES = 16;

/** What a receipt says. Times in microseconds. */
interface Receipt {
  uuid: string;
  content: string;
  created: number;
  acceptedAt: number;
}

/**
 * The receipts of accepted events: each names its event and is signed with a secret of the producer, so it proves that
 * the event was accepted without a row that says so.
 */
export async function makeReceipts(
  { name, secrets: [secret] }: Producer,
  events: readonly AcceptedEvent[],
  acceptedAt: number,
): Promise<string[]> {
  if (secret === undefined) return [];
  return Promise.all(
    events.map(async (event) => {
      const { uuid, content } = withContent(event);
      const parts = [uuid, content === uuid ? "" : content, event.created.toString(36), acceptedAt.toString(36)];
      return [...parts, (await signatureOf(secret, name, parts)).toHex()].join(".");
    }),
  );
}

/**
 * What became of an accepted event: of a receipt, or of the uuid of an event this producer sent. A uuid alone does not
 * prove that anything was accepted, so it is unknown (404) until the event is stored or dead.
 */
export async function lookUp(binding: D1Database, producer: Producer, id: string) {
  const receipt = await readReceipt(producer, id);
  const uuid = receipt?.uuid ?? parseUuid(id);
  if (uuid === undefined) throw notFound("This is no receipt of this producer, and no uuid.");
  const { content = null, created = null } = receipt ?? {};
  const [named, renamed, dead] = await runBatch(database(binding), [
    sql`SELECT id, uuid FROM events WHERE uuid = ${uuid}
      AND CASE WHEN ${content} IS NULL THEN producer = ${producer.name} ELSE coalesce(${storedContent}, ${content}) = ${content} END`,
    sql`SELECT id, uuid FROM events WHERE created = ${created} AND content = ${content} AND ${content} = ${uuid}`,
    sql`SELECT reason, detail, attempts, last_seen FROM dead_letters WHERE uuid = ${uuid}
      AND CASE WHEN ${content} IS NULL THEN producer = ${producer.name} ELSE content = ${content} END`,
  ]);
  const stored = named?.results[0] ?? renamed?.results[0];
  if (stored !== undefined) return { status: "stored", uuid: stored.uuid, id: stored.id };
  const letter = dead?.results[0];
  if (letter !== undefined) {
    const { reason, detail, attempts, last_seen } = letter;
    return { status: "dead", uuid, reason, detail, attempts, last_seen: printTime(Number(last_seen)) };
  }
  if (receipt !== undefined) return { status: "accepted", uuid, accepted: printTime(receipt.acceptedAt) };
  throw notFound("No event of this uuid is stored or dead. Its receipt tells whether it was accepted.");
}

/** undefined unless one of the producer's secrets signed it. */
async function readReceipt({ name, secrets }: Producer, text: string): Promise<Receipt | undefined> {
  const parts = /^([\da-f]{32})\.([\da-f]{32})?\.(-?[\da-z]{1,12})\.([\da-z]{1,12})\.([\da-f]{32})$/.exec(text);
  if (parts === null) return undefined;
  const [, uuid = "", content = "", created = "", acceptedAt = "", signature = ""] = parts;
  const presented = Uint8Array.fromHex(signature);
  for (const secret of secrets) {
    const expected = await signatureOf(secret, name, [uuid, content, created, acceptedAt]);
    if (crypto.subtle.timingSafeEqual(expected, presented)) {
      return { uuid, content: content || uuid, created: parseInt(created, 36), acceptedAt: parseInt(acceptedAt, 36) };
    }
  }
  return undefined;
}

async function signatureOf(secret: Uint8Array, producer: string, parts: readonly string[]): Promise<Uint8Array> {
  const signed = utf8(JSON.stringify(["receipt", producer, ...parts]));
  return (await hmacSha256(secret, signed)).subarray(0, SIGNATURE_BYTES);
}
