import { type SQL, sql } from "drizzle-orm";
import { OTHER_TYPE } from "../../catalogue/data.ts";
import { integer } from "../../db/sql.ts";

/**
 * Adds missing events to the inverted index. Makes the terms of terms.ts in SQL. A part is one transaction, and
 * events may be written and deleted in between.
 */

/** The number of ids in one part. */
export const PART_EVENTS = 1_000;

/** As in terms.ts. */
const ESCAPE = "\u{e000}";
const MAX_VALUE = 64;

/** Letters cut from a long text at once, because SQLite finds a letter by counting from the beginning. */
const PIECE = 200;

/** One row, `missing`: the number of events in a range of ids that the index does not have. */
export const missing = (after: number, until: number): SQL =>
  sql`SELECT count(*) AS missing FROM events WHERE ${isMissing(after, until)}`;

/**
 * Adds the missing events of a range of ids. Run the statements as one transaction. They begin a new epoch, because
 * kept totals were counted without these events.
 */
export const indexMissing = (after: number, until: number): SQL[] => [
  sql`UPDATE commit_watermark SET epoch = epoch + 1 WHERE EXISTS (SELECT 1 FROM events WHERE ${isMissing(after, until)})`,
  sql`INSERT INTO event_index (rowid, terms) ${termsOf(sql`SELECT id, type, type_name, coalesce(folded, upper(message)) AS folded, created, context
    FROM events WHERE ${isMissing(after, until)}`)}`,
];

const isMissing = (after: number, until: number): SQL =>
  sql`id > ${after} AND id <= ${until} AND id NOT IN (
    SELECT rowid FROM event_index WHERE rowid > ${integer(after)} AND rowid <= ${integer(until)})`;

/** Rows `id` and `terms`, for a query with the columns `id`, `type`, `type_name`, `folded`, `created` and `context`. */
export const termsOf = (events: SQL): SQL => sql`WITH RECURSIVE
  chosen AS MATERIALIZED (${events}),
  numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${PIECE - 1}),
  texts (id, prefix, text) AS (
    SELECT id, '', folded FROM chosen
    UNION ALL SELECT id, 'auth:', substr(context->>'$.auth_method', 1, ${MAX_VALUE}) FROM chosen
      WHERE json_type(context, '$.auth_method') = 'text'
    UNION ALL SELECT id, 'pat:', substr(context->>'$.pat_uuid', 1, ${MAX_VALUE}) FROM chosen
      WHERE json_type(context, '$.pat_uuid') = 'text'
    UNION ALL SELECT id, 'name:', substr(type_name, 1, ${MAX_VALUE}) FROM chosen WHERE type = ${integer(OTHER_TYPE)}
  ),
  pieces (id, prefix, text, start) AS (
    SELECT id, prefix, text, 0 FROM texts
    UNION ALL SELECT id, prefix, substr(text, ${PIECE + 1}), start + ${PIECE} FROM pieces WHERE length(text) > ${PIECE}
  ),
  letters AS MATERIALIZED (
    SELECT id, prefix, start + i AS at, ${escaped(sql`substr(text, i + 1, 1)`)} AS letter
    FROM pieces CROSS JOIN numbers WHERE i < min(${PIECE}, length(text))
  ),
  runs AS (
    SELECT id, letter, letter || lead(letter) OVER following AS pair,
      letter || lead(letter) OVER following || lead(letter, 2) OVER following AS triple
    FROM letters WHERE prefix = '' WINDOW following AS (PARTITION BY id ORDER BY at)
  ),
  terms (id, term) AS (
    SELECT id, letter FROM runs
    UNION SELECT id, pair FROM runs WHERE pair IS NOT NULL
    UNION SELECT id, triple FROM runs WHERE triple IS NOT NULL
    UNION SELECT id, term FROM (${otherTerms})
  )
  SELECT id, group_concat(term, ' ') AS terms FROM terms GROUP BY id`;

/** The terms that are not grams: values, the type, and the objects of the event by their roles. */
const otherTerms: SQL = sql`SELECT texts.id, prefix || coalesce((
      SELECT group_concat(letter, '') FROM (
        SELECT letter FROM letters WHERE letters.id = texts.id AND letters.prefix = texts.prefix ORDER BY at
      )
    ), '') AS term FROM texts WHERE prefix <> ''
  UNION ALL SELECT id, 'type:' || type FROM chosen
  UNION ALL SELECT chosen.id, role.value || event_scopes.scope
    FROM chosen CROSS JOIN json_each(chosen.context) AS entry
      CROSS JOIN event_scopes ON event_scopes.scope = lower(replace(entry.value, '-', ''))
        AND event_scopes.created = chosen.created AND event_scopes.event_id = chosen.id
      CROSS JOIN json_each('["f","c","p","u","a"]') AS role ON event_scopes.roles & (1 << role.key)
    WHERE entry.type = 'text'`;

/** A letter, escaped as in terms.ts. */
function escaped(letter: SQL): SQL {
  return sql`CASE
    WHEN unicode(${letter}) <= 32 THEN ${ESCAPE} || char(64 + unicode(${letter}))
    WHEN ${letter} = ${"\x7f"} THEN ${`${ESCAPE}!`}
    WHEN ${letter} = ${ESCAPE} THEN ${`${ESCAPE}~`}
    ELSE ${letter} END`;
}
