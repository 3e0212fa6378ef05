import { type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../../db/reader.ts";
import { isEverything } from "../../values/periods.ts";
import type { SearchQuery } from "../query.ts";
import { EPOCH, SEARCH_VERSION, type Version } from "../version.ts";
import type { Part } from "./keys.ts";
import { verifyOf } from "./match.ts";
import { queryGrams } from "./terms.ts";

// Raw SQL: the vocabulary of FTS5.

/** What is known of a search before anything is counted. */
export interface State {
  /** The id of the newest event. */
  newest: number;
  epoch: number;
  version: Version;
  /** Matches that were counted and kept, up to the id `uptoId`. */
  n: number;
  uptoId: number;
  /** Whether the matches themselves were kept. */
  isListed: boolean;
  /** Whether there were more matches when they were counted. */
  isUnfinished: boolean;
  /** The number of all matches, where the index has it: for a text of one to three letters and nothing else. */
  indexed: number | undefined;
}

/** Whether the whole search is one term of the index, which has the number of events with each term. */
export const isOneTerm = (query: SearchQuery): boolean =>
  query.values.message !== undefined &&
  Object.keys(query.values).length === 1 &&
  query.concerns.length === 0 &&
  query.types === undefined &&
  verifyOf(query) === undefined &&
  isEverything(query.range);

/** One row: the state of a search. `key` names it in search_totals. A total of another epoch is not used. */
export const stateStatement = (query: SearchQuery, key: string): SQL =>
  sql`SELECT (SELECT coalesce(max(id), 0) FROM events) AS newest, log.epoch,
      log.version, known.n, known.upto_id, known.is_listed,
      known.unfinished IS NOT NULL AS is_unfinished, ${isOneTerm(query) ? eventsWithTerm(query) : sql`NULL`} AS indexed
    FROM (SELECT epoch, ${SEARCH_VERSION} AS version FROM commit_watermark) AS log
      LEFT JOIN search_totals AS known ON known.query = ${key} AND known.epoch = log.epoch`;

/** The number of events with the text, which has at most three letters. The index folds ASCII letters to small ones. */
export const eventsWithTerm = (query: SearchQuery): SQL =>
  sql`coalesce((SELECT doc FROM event_terms WHERE term = lower(${queryGrams(query.values.message ?? "")[0] ?? ""})), 0)`;

/** Reads the row of `stateStatement`. */
export const readState = (row: Row | undefined): State => ({
  newest: numberAt(row, "newest"),
  epoch: numberAt(row, "epoch"),
  version: textAt(row, "version"),
  n: numberAt(row, "n"),
  uptoId: numberAt(row, "upto_id"),
  isListed: numberAt(row, "is_listed") === 1,
  isUnfinished: numberAt(row, "is_unfinished") === 1,
  indexed: row?.indexed === null ? undefined : numberAt(row, "indexed"),
});

/** The highest id of the kept matches as SQL, 0 without them. */
export const listedUpto = (key: string): SQL =>
  sql`coalesce((SELECT upto_id FROM search_totals WHERE query = ${key} AND epoch = ${EPOCH} AND is_listed = 1), 0)`;

/** The highest id up to which matches were counted as SQL, 0 when they were not. */
export const countedUpto = (key: string): SQL =>
  sql`coalesce((SELECT upto_id FROM search_totals WHERE query = ${key} AND epoch = ${EPOCH}), 0)`;

/** Rows: the parts of the kept matches, without the matches. */
export const partsStatement = (key: string): SQL =>
  sql`SELECT upto_id, part, n, first_created, last_created, first_id, last_id FROM search_keys
    WHERE query = ${key} AND epoch = ${EPOCH} AND upto_id <= ${listedUpto(key)}`;

/** Reads a row of `partsStatement`. */
export const readPart = (row: Row): Part => ({
  uptoId: numberAt(row, "upto_id"),
  part: numberAt(row, "part"),
  n: numberAt(row, "n"),
  firstCreated: numberAt(row, "first_created"),
  lastCreated: numberAt(row, "last_created"),
  firstId: numberAt(row, "first_id"),
  lastId: numberAt(row, "last_id"),
});

/** Rows `upto_id`, `part` and `keys`: the matches of these parts. */
export const keysStatement = (key: string, parts: readonly Part[]): SQL =>
  sql`SELECT search_keys.upto_id, search_keys.part, search_keys.keys
    FROM json_each(${JSON.stringify(parts.map(({ uptoId, part }) => [uptoId, part]))}) AS wanted
      CROSS JOIN search_keys ON search_keys.query = ${key} AND search_keys.upto_id = wanted.value->>0
        AND search_keys.part = wanted.value->>1`;
