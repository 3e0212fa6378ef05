import { type D1Calls, database, runBatch } from "../../db/client.ts";
import { byteLength } from "../../values/bytes.ts";
import { bodyKey } from "../queue/keys.ts";
import { type DeadLetter, keepStatements } from "./letter.ts";
import { MAX_DETAIL_LENGTH } from "./message.ts";

/** Bytes of a body that fit in the row; larger bodies go to R2. */
export const MAX_INLINE_BODY_BYTES = 16_384;
/** Dead letters in one D1 batch: one parameter of at most 2 MB, even when JSON writes every byte of the bodies as \u0000. */
const MAX_IN_BATCH = 18;

/** Keeps dead letters. An existing one takes the newer reason, and its deliveries are added. `now` in microseconds. */
export async function keepDeadLetters(
  { DB, SPILL }: { DB: D1Calls; SPILL: R2Bucket },
  letters: readonly DeadLetter[],
  now: number,
): Promise<void> {
  for (const letter of letters) {
    if (isLarge(letter)) await SPILL.put(bodyKey(letter.id), letter.body);
  }
  for (let start = 0; start < letters.length; start += MAX_IN_BATCH) {
    const some = letters.slice(start, start + MAX_IN_BATCH);
    const json = JSON.stringify(
      some.map((letter) => ({
        ...letter,
        detail: letter.detail.slice(0, MAX_DETAIL_LENGTH),
        body: isLarge(letter) ? null : letter.body,
      })),
    );
    await runBatch(database(DB), keepStatements(json, now));
  }
}

const isLarge = ({ body }: DeadLetter): boolean => byteLength(body) > MAX_INLINE_BODY_BYTES;
