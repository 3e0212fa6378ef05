import { type SQL, sql } from "drizzle-orm";
import { raised } from "./complete.ts";

/**
 * The sequence of the log (migrations/0018): every new event, every change and every deletion is an entry, and the entries
 * are numbered without gaps in the order of the commits. Raw SQL: window functions and UPDATE … FROM.
 */

/** The number of the newest entry, as SQL on a row of commit_watermark. */
export const END: SQL = sql`max(last_change, coalesce((SELECT max(id) FROM events), 0))`;

/** The number of the newest entry, while a transaction has written no event yet, but perhaps changes. */
const END_OF_CHANGES = sql`(SELECT max(marked_end, coalesce((SELECT max(id) FROM log_changes), 0)) FROM commit_watermark)`;

/** The numbers of the rows that a statement is about to write to events, one after the other. */
export const nextId: SQL = sql`(SELECT ${END} FROM commit_watermark) + row_number() OVER ()`;

/** Up to where the log has gaps, as SQL on a row of commit_watermark: a Worker of an earlier version may have written last. */
export const DENSE_FROM: SQL = sql`iif(has_gaps, ${END}, dense_from)`;

/**
 * The first statement of a transaction that writes events: marks the end of the log before it, and raises the time up to
 * which the log is complete. `through`: microseconds, 0 when nothing is known of it.
 */
export const markEnd = (through = 0): SQL => sql`UPDATE commit_watermark
  SET marked_end = ${END}, dense_from = ${DENSE_FROM}, has_gaps = 0, ${raised(through)}`;

/**
 * Statements that give stored events other uuids, each in an entry of its own. `changes`: a query for `id`, the new `uuid`
 * and `upstream`; of several rows for an event, the first `place` counts; rows without an `id` are ignored.
 */
export const changeIds = (changes: SQL): SQL[] => [
  sql`INSERT INTO log_changes (id, op, event_id, uuid, old_uuid, upstream)
    SELECT ${END_OF_CHANGES} + row_number() OVER (), 'identity', changed.id, changed.uuid, events.uuid, changed.upstream
    FROM (SELECT id, uuid, upstream, min(place) FROM (${changes}) WHERE id IS NOT NULL GROUP BY id) AS changed
      CROSS JOIN events ON events.id = changed.id`,
  // The content stays: it is what else identifies the event. An entry is applied once, because the old uuid is gone then.
  sql`UPDATE events SET uuid = changed.uuid, content = coalesce(events.content, events.uuid),
      upstream = max(events.upstream, changed.upstream)
    FROM log_changes AS changed
    WHERE changed.id > (SELECT marked_end FROM commit_watermark) AND events.id = changed.event_id AND events.uuid = changed.old_uuid`,
];

/** The entries of this transaction, with their events. */
const CHANGED = sql`log_changes AS changed CROSS JOIN events ON events.id = changed.event_id
    WHERE changed.id > (SELECT marked_end FROM commit_watermark)`;

/**
 * Statements for the end of all changes and before new events: the log ends later, and the versions of the series that the
 * changed events are in are others. The first returns a row, `last_change`: the number of the newest change; none without changes.
 */
export const endChanges: readonly SQL[] = [
  sql`UPDATE commit_watermark SET last_change = (SELECT max(id) FROM log_changes)
    WHERE last_change < (SELECT max(id) FROM log_changes) RETURNING last_change`,
  sql`UPDATE counters SET changed_id = changed.id
    FROM (
      SELECT series, quarter, max(id) AS id FROM (
        SELECT 'log' AS series, events.quarter AS quarter, changed.id AS id FROM ${CHANGED}
        UNION ALL SELECT lower(replace(entry.value, '-', '')), events.quarter, changed.id
          FROM log_changes AS changed CROSS JOIN events ON events.id = changed.event_id
            CROSS JOIN json_each(events.context) AS entry
          WHERE changed.id > (SELECT marked_end FROM commit_watermark) AND entry.type = 'text'
      ) GROUP BY 1, 2
    ) AS changed
    WHERE counters.series = changed.series AND counters.period = changed.quarter`,
];
