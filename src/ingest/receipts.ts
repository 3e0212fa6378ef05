import { and, eq } from "drizzle-orm";
import { database } from "../db/client.ts";
import { withContent } from "../events/event.ts";
import { selectEqual, selectNamed, selectSent } from "../events/write/stored.ts";
import { notFound } from "../http/errors.ts";
import { hmacSha256, utf8 } from "../values/bytes.ts";
import { printTime } from "../values/time.ts";
import { parseUuid } from "../values/uuid.ts";
import type { AcceptedEvent } from "./event.ts";
import type { Producer } from "./producers/find.ts";
import { deadLetters } from "./table.ts";

/** Bytes of the signature in a receipt. */
const SIGNATURE_BYTES = 16;

/** The content of a receipt. Times in microseconds. */
interface Receipt {
  uuid: string;
  content: string;
  created: number;
  acceptedAt: number;
}

/**
 * A receipt for each accepted event. It names the event and is signed with the newest secret of the producer, so it proves
 * the acceptance without a row in the database.
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
 * The state of an accepted event, by its receipt or by the uuid of an event that this producer sent. A uuid alone does not
 * prove that an event was accepted, so it is 404 until the event is stored or dead. One round trip.
 */
export async function lookUpReceipt(binding: D1Database, producer: Producer, id: string) {
  const receipt = await readReceipt(producer, id);
  const uuid = receipt?.uuid ?? parseUuid(id);
  if (uuid === undefined) throw notFound("Not a receipt of this producer, and not a UUID.");
  const db = database(binding);
  const sentBy = receipt ? eq(deadLetters.content, receipt.content) : eq(deadLetters.producer, producer.name);
  const dead = db
    .select()
    .from(deadLetters)
    .where(and(eq(deadLetters.uuid, uuid), sentBy));
  const [letters, ...stored] = await db.batch([
    dead,
    receipt ? selectNamed(db, uuid, receipt.content) : selectSent(db, uuid, producer.name),
    ...(receipt ? [selectEqual(db, receipt, producer.name)] : []),
  ]);
  const [event] = stored.flat();
  if (event !== undefined) return { status: "stored", uuid: event.uuid, id: event.id };
  const letter = letters.find(({ discarded }) => discarded === null) ?? letters[0];
  if (letter !== undefined) return stateOf(letter, uuid);
  if (receipt !== undefined) return { status: "accepted", uuid, accepted: printTime(receipt.acceptedAt) };
  throw notFound("No event of this uuid is stored or dead. Its receipt shows whether it was accepted.");
}

function stateOf({ reason, detail, attempts, lastSeen, discarded }: typeof deadLetters.$inferSelect, uuid: string) {
  if (discarded !== null) return { status: "discarded", uuid, reason, detail, discarded: printTime(discarded) };
  return { status: "dead", uuid, reason, detail, attempts, last_seen: printTime(lastSeen) };
}

/** The content of a receipt; undefined when none of the producer's secrets signed it. */
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
