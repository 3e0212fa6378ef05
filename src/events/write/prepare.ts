import { typeNumber } from "../../catalogue/data.ts";
import { UnstorableError } from "../../db/errors.ts";
import { byteLength } from "../../values/bytes.ts";
import { asciiUpper, fold } from "../../values/case-fold.ts";
import type { NewEvent } from "../event.ts";
import { type EventScope, scopesOf } from "../scopes.ts";
import { gramsOf, scopeTerms, valueTerm } from "../search/terms.ts";

/** Characters of one bound parameter: below D1's 2,000,000 bytes a value even when each takes three bytes. */
const MAX_PARAMETER_LENGTH = 600_000;

const MAX_BYTES_PER_CHARACTER = 3;
/** Bytes of one row, and of one bound value (https://developers.cloudflare.com/d1/platform/limits/); local D1 takes more. */
const MAX_ROW_BYTES = 2_000_000;

/** An event as JSON rows for the statements that write it. */
export interface Prepared {
  /** Events of one turn are written after those of the turns before it, which they may be the same as. */
  turn: number;
  row: string;
  scopes: string[];
  terms: string;
}

/** The number of turns. */
export const TURNS = 4;

/** Events of upstream come first, as they absorb others; of these and of others, those with an id, as they name others. */
const turnOf = ({ content, isUpstream }: NewEvent): number => (isUpstream ? 0 : 2) + (content === undefined ? 1 : 0);

/** The rows that are written for an event. Throws for an event that is larger than a row may be. */
export function prepare(event: NewEvent): Prepared {
  const { uuid, created, eventType, message, context, producer, receivedAt, content = null } = event;
  const upstream = Number(event.isUpstream ?? false);
  const values: Record<string, unknown> = JSON.parse(context);
  const scopes = scopesOf(eventType, values);
  const { folded, terms } = searchable(message, scopes, values);
  const type = typeNumber(eventType) ?? eventType;
  const row = [uuid, created, type, message, folded, context, producer, receivedAt, content, upstream];
  return {
    turn: turnOf(event),
    row: holdable(uuid, JSON.stringify(row)),
    scopes: scopes.map((scope) => JSON.stringify([uuid, ...scope])),
    terms: JSON.stringify([uuid, terms, valueTerm("name", eventType)]),
  };
}

/**
 * What searches read of an event: the column `folded` and the terms of the inverted index, but for those of its type. `values`:
 * its context.
 */
export function searchable(message: string, scopes: readonly EventScope[], values: Record<string, unknown>) {
  const folded = fold(message);
  const terms = [
    ...gramsOf(folded),
    ...scopes.flatMap(([scope, roles]) => scopeTerms(scope, roles)),
    ...(typeof values.auth_method === "string" ? [valueTerm("auth", values.auth_method)] : []),
    ...(typeof values.pat_uuid === "string" ? [valueTerm("pat", values.pat_uuid)] : []),
  ];
  return { folded: folded === asciiUpper(message) ? null : folded, terms: terms.join(" ") };
}

function holdable(uuid: string, row: string): string {
  const mayBeTooLarge = row.length * MAX_BYTES_PER_CHARACTER > MAX_ROW_BYTES;
  if (!mayBeTooLarge || byteLength(row) <= MAX_ROW_BYTES) return row;
  throw new UnstorableError(`Event ${uuid} is larger than a row may be.`);
}

/** JSON arrays of rows, each small enough for one parameter. */
export function chunked(rows: readonly string[]): string[] {
  const chunks: string[][] = [];
  let room = 0;
  for (const text of rows) {
    if (text.length > room) {
      chunks.push([]);
      room = MAX_PARAMETER_LENGTH;
    }
    chunks.at(-1)?.push(text);
    room -= text.length + 1;
  }
  return chunks.map((chunk) => `[${chunk.join(",")}]`);
}
