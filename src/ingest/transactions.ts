import { byteLength } from "../values/bytes.ts";
import type { Delivered } from "./statistics/delivered.ts";

/** Events in one transaction. */
export const MAX_EVENTS_IN_TRANSACTION = 500;
/** Bytes of messages and contexts in one transaction: as JSON in JSON they become several times as many. */
export const MAX_BYTES_IN_TRANSACTION = 1_000_000;
/**
 * Characters of messages in one transaction: a second or two of D1, which stops a call after 30, and megabytes of terms.
 * Each character gives up to three terms of the index; long texts without repetition give them all.
 */
export const MAX_TEXT_IN_TRANSACTION = 150_000;

/**
 * The events in their order, divided into transactions. Takes no more from `items` than one event beyond the transaction
 * in hand. An event that is larger than a transaction has one of its own.
 */
export function* transactions<T extends Delivered>(items: Iterable<T>): Generator<T[], void> {
  let group: T[] = [];
  let [text, bytes] = [0, 0];
  for (const item of items) {
    const [moreText, moreBytes] = sizeOf(item);
    const isFull =
      group.length === MAX_EVENTS_IN_TRANSACTION ||
      text + moreText > MAX_TEXT_IN_TRANSACTION ||
      bytes + moreBytes > MAX_BYTES_IN_TRANSACTION;
    if (isFull && group.length > 0) {
      const full = group;
      group = [];
      [text, bytes] = [0, 0];
      yield full;
    }
    group.push(item);
    text += moreText;
    bytes += moreBytes;
  }
  if (group.length > 0) yield group;
}

const sizeOf = ({ event: { message, context } }: Delivered): [text: number, bytes: number] => [
  message.length,
  byteLength(message) + byteLength(context),
];
