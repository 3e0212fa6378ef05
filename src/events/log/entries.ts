import { and, type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE } from "../../catalogue/data.ts";
import { integer } from "../../db/sql.ts";
import { isEverything, type Range } from "../../values/periods.ts";
import { LAST_TIME } from "../../values/time.ts";
import { during, hasRole, matches, ofTypes } from "../conditions.ts";
import { type Concern, concernsOf, type ValueFilter, valuesOf } from "../query.ts";
import type { EventsRequest } from "../request.ts";
import { matchOf } from "../search/match.ts";
import { matchAll, scopeTerms, typeTerm } from "../search/terms.ts";
import { firstIdFrom } from "../search/window.ts";
import { unknownAmong, type WantedTypes } from "../type-numbers.ts";
import { END } from "./sequence.ts";

// Raw SQL: FTS5's MATCH, and subqueries that limit how far a statement looks.

/** What a reader who follows the log wants of it, and may see. */
export interface Following {
  /** Entries concern all of these. */
  concerns: readonly Concern[];
  types: WantedTypes | undefined;
  /** Names of wanted types that the catalogue does not know. They may get their first event, and a number, at any time. */
  unknownTypes: readonly string[];
  values: ValueFilter;
  range: Range;
  /** The objects whose events the reader may see; undefined for one who may see every event, whatever it asks for. */
  within: Concern | undefined;
}

/** A place in the log: after this entry. */
export interface LogPlace {
  after: number;
  /** The newest entry about a deleted period that the reader knows of. */
  period: number;
}

/** What a request wants; undefined when it can match no event. */
export function followingOf({ visibility, filter, types, knowsIds }: EventsRequest): Following | undefined {
  const range = { from: filter.createdFrom ?? -Infinity, to: filter.createdTo ?? Infinity };
  const hasNoType = types && types.numbers.length + types.others.length === 0;
  if (visibility === "nothing" || hasNoType || range.from >= range.to) return undefined;
  const concerns = concernsOf(visibility, filter);
  const within = typeof visibility === "object" && !knowsIds ? visibility : undefined;
  return { concerns, types, unknownTypes: unknownAmong(filter.types), values: valuesOf(filter), range, within };
}

/** One row: the state of the log. Two rows read. */
export const stateStatement: SQL = sql`SELECT ${END} AS "end", incarnation, last_period, complete_through
  FROM commit_watermark`;

/** One row: the secret of the feed. */
export const keyStatement: SQL = sql`SELECT feed_key FROM commit_watermark`;

/** Whether the index leads to the events; else all of them are looked at. */
export const isIndexed = ({ concerns, types, values }: Following): boolean =>
  concerns.length > 0 || types !== undefined || Object.keys(values).length > 0;

/** Whether events may be found that the reader does not want: a long text, a value or a time is compared with the event. */
export const comparesEvents = ({ values, types, range }: Following): boolean =>
  Object.keys(values).length > 0 || (types?.others.length ?? 0) > 0 || !isEverything(range);

/**
 * At most `limit` events after an entry, in any order: all of the log, or those that the index finds. `is_hit`: the reader
 * wants it. `columns` as in row.ts. Reads an event, or an entry of the index and an event, for each.
 */
export function eventsAfter(following: Following, columns: SQL, after: SQL, limit: number): SQL {
  const { values, types, range } = following;
  const hit = and(matches({ ...values, ...(types === undefined ? {} : { types }) }), during(range)) ?? sql`1`;
  const hits = sql`SELECT ${columns}, coalesce(${hit}, 0) AS is_hit`;
  if (!isIndexed(following))
    return sql`${hits} FROM events WHERE events.id > ${after} ORDER BY events.id LIMIT ${limit}`;
  const match = matchOf({ ...following, kind: "search", oldestFirst: false });
  const candidates = sql`SELECT rowid AS id FROM event_index WHERE event_index MATCH ${match} AND rowid > ${after}
    ORDER BY rowid LIMIT ${limit}`;
  return sql`${hits} FROM (${candidates}) AS candidate CROSS JOIN events ON events.id = candidate.id`;
}

/**
 * At most `limit` changes after an entry, in any order, with their events where these took another uuid. `is_hit`: the reader
 * wants it. Of a deleted event nobody knows the message any more, so a search for a text has all that were deleted. Reads up
 * to three rows for each.
 */
export function changesAfter(following: Following, columns: SQL, after: SQL, limit: number): SQL {
  const match = matchOfChanges(following);
  const candidates =
    match === undefined
      ? sql`SELECT id FROM log_changes WHERE id > ${after} ORDER BY id LIMIT ${limit}`
      : sql`SELECT rowid AS id FROM change_index WHERE change_index MATCH ${match} AND rowid > ${after} ORDER BY rowid LIMIT ${limit}`;
  return sql`SELECT ${columns}, ${CHANGE}, coalesce(${isWanted(following)}, 0) AS is_hit
    FROM (${candidates}) AS candidate CROSS JOIN log_changes AS change ON change.id = candidate.id
      LEFT JOIN events ON events.id = change.event_id AND change.op = 'identity'`;
}

/** The entries about deleted periods, for a reader who sees all events and whom the index leads to other changes. */
export const periodsAfter = (after: SQL, limit: number): SQL => sql`SELECT ${CHANGE}, 1 AS is_hit
  FROM log_changes AS change WHERE change.op = 'period' AND change.id > ${after} ORDER BY change.id LIMIT ${limit}`;

/** Whether `changesAfter` has the entries about deleted periods. */
export const hasPeriods = (following: Following): boolean => matchOfChanges(following) === undefined;

const CHANGE = sql`change.id AS entry, change.op AS op, change.event_id AS changed_id, change.uuid AS changed_uuid,
  change.created_to AS created_to`;

/** Terms of change_index; undefined when none of its terms narrow the changes. */
function matchOfChanges({ concerns, types }: Following): string | undefined {
  const terms = [
    ...concerns.map(({ scopes, roles }) => scopes.flatMap((scope) => scopeTerms(scope, roles))),
    ...(types === undefined || types.others.length > 0 ? [] : [types.numbers.map(typeTerm)]),
  ];
  return terms.length === 0 ? undefined : matchAll(terms);
}

function isWanted({ types, values, range }: Following): SQL {
  const identity = and(sql`events.id IS NOT NULL`, matches({ ...values, ...(types && { types }) }), during(range));
  const removed = and(types && isOfTypes(types), during(range, sql`change.created`)) ?? sql`1`;
  return sql`CASE change.op WHEN 'identity' THEN ${identity} WHEN 'removed' THEN ${removed} ELSE 1 END`;
}

function isOfTypes({ numbers, others }: WantedTypes): SQL {
  const named = sql`change.type = ${integer(OTHER_TYPE)} AND change.type_name IN (SELECT value FROM json_each(${JSON.stringify(others)}))`;
  return sql`(${numbers.length > 0 ? ofTypes(sql`change.type`, numbers) : sql`0`} OR (${named}))`;
}

/** One row, `last_id`: the highest id of the events that were deleted by periods after an entry about one; NULL without any. */
export const deletedSince = (period: number): SQL =>
  sql`SELECT max(last_id) AS last_id FROM log_changes WHERE op = 'period' AND id > ${integer(period)}`;

/** Rows of each object that are looked at to find the oldest event. */
const MAX_LOOKED_AT = 100;

/**
 * One row, `oldest`: all events of the reader that came before the newest entry about a deleted period, and were created
 * before this time (microseconds), are gone. It is the time of the oldest one that is left, so it tells nothing of events
 * that the reader may not see. No row when there is no such entry after `known`. Reads up to MAX_LOOKED_AT rows an object.
 */
export function oldestLeft({ scopes, roles }: Concern, known: number): SQL {
  const newest = sql`(SELECT last_period FROM commit_watermark)`;
  // Whatever is older came later.
  const deletedUntil = sql`(SELECT created_to FROM log_changes WHERE id = ${newest})`;
  const ofScope = (scope: string) => sql`SELECT CASE
      WHEN count(*) FILTER (WHERE is_left) > 0 THEN min(created) FILTER (WHERE is_left)
      WHEN count(*) = ${MAX_LOOKED_AT} THEN max(created) ELSE ${LAST_TIME} END AS oldest
    FROM (SELECT created, event_id < ${newest} AND ${hasRole(roles)} <> 0 AS is_left FROM event_scopes
      WHERE scope = ${scope} AND created >= ${deletedUntil} ORDER BY created LIMIT ${MAX_LOOKED_AT})`;
  const all = sql.join(scopes.map(ofScope), sql` UNION ALL `);
  return sql`SELECT min(oldest) AS oldest FROM (${all}) WHERE ${newest} > ${known} HAVING count(*) > 0`;
}

/**
 * The entry after which a reader of a time range begins: no event of the range has a lower id, and when there is none yet,
 * none comes before the end. At most 100 rows or so.
 */
export function beginOf({ range }: Following): SQL {
  if (!Number.isFinite(range.from)) return sql`0`;
  return sql`coalesce((${firstIdFrom(range.from)}) - 1, (SELECT ${END} FROM commit_watermark))`;
}
