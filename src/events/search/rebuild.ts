import { type SQL, sql } from "drizzle-orm";

/**
 * Adds missing events to the inverted index. Makes the terms of terms.ts in SQL. A part is one transaction, and
 * events may be written and deleted in between.
 */

/** Ids of one part. */
export const PART_EVENTS = 1_000;

/** As in terms.ts. */
const ESCAPE = "\u{e000}";
const MAX_VALUE = 64;

/** Letters that are cut from a long text at once: SQLite finds a letter by walking there from the beginning. */
const PIECE = 200;

/** One row: `missing`, how many of the events with these ids are not in the index. */
export const missing = (after: number, until: number): SQL =>
  sql`SELECT count(*) AS missing FROM events WHERE ${isMissing(after, until)}`;

/** Indexes what is missing. To be run as one transaction; a new epoch, as totals of searches were counted without it. */
export const indexMissing = (after: number, until: number): SQL[] => [
  sql`UPDATE commit_watermark SET epoch = epoch + 1 WHERE EXISTS (SELECT 1 FROM events WHERE ${isMissing(after, until)})`,
  sql`INSERT INTO event_index (rowid, terms) ${termsOf(sql`SELECT id, type, coalesce(folded, upper(message)) AS folded, created, context
    FROM events WHERE ${isMissing(after, until)}`)}`,
];

const isMissing = (after: number, until: number): SQL =>
  sql`id > ${after} AND id <= ${until} AND id NOT IN (
    SELECT rowid FROM event_index WHERE rowid > ${integer(after)} AND rowid <= ${integer(until)})`;

/** FTS5 takes integers only, and a bound JavaScript number is a real. */
const integer = (value: number): SQL => sql.raw(String(Math.trunc(value)));

/** Rows `id`, `terms`, for the events of a query for `id`, `type`, `folded`, `created` and `context`. */
export const termsOf = (events: SQL): SQL => sql`WITH RECURSIVE
  chosen AS MATERIALIZED (${events}),
  numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${PIECE - 1}),
  texts (id, prefix, text) AS (
    SELECT id, '', folded FROM chosen
    UNION ALL SELECT id, 'auth:', substr(context->>'$.auth_method', 1, ${MAX_VALUE}) FROM chosen
      WHERE json_type(context, '$.auth_method') = 'text'
    UNION ALL SELECT id, 'pat:', substr(context->>'$.pat_uuid', 1, ${MAX_VALUE}) FROM chosen
      WHERE json_type(context, '$.pat_uuid') = 'text'
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

/** The terms of an event that are no grams: values, its type, and the objects it concerns by their roles. */
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

/** A letter that the tokenizer would split at, or the mark itself, as terms.ts writes it. */
function escaped(letter: SQL): SQL {
  return sql`CASE
    WHEN unicode(${letter}) <= 32 THEN ${ESCAPE} || char(64 + unicode(${letter}))
    WHEN ${letter} = ${"\x7f"} THEN ${`${ESCAPE}!`}
    WHEN ${letter} = ${ESCAPE} THEN ${`${ESCAPE}~`}
    ELSE ${letter} END`;
}
