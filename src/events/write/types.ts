import { type SQL, sql } from "drizzle-orm";
import { FIRST_UNKNOWN_TYPE, OTHER_TYPE, typeNumber } from "../../catalogue/data.ts";
import { integer } from "../../db/sql.ts";
import type { NewEvent } from "../event.ts";

// Raw SQL: window functions, and rows that travel as one parameter through json_each.

/**
 * Types outside of the catalogue that get a number. Every series counts by number, and each write reads and writes the
 * counters of its period: without a limit, a producer that invents types would make every write slower, then too large.
 */
export const MAX_TYPES = 1_000;
/** Types of one producer among them. */
export const MAX_TYPES_OF_PRODUCER = 100;

/**
 * Gives each type that the catalogue does not know the next free number, from FIRST_UNKNOWN_TYPE on, within the limits.
 * Types beyond them get none: their events have OTHER_TYPE.
 */
export function insertTypes(events: readonly NewEvent[]): SQL {
  const unknown = events.filter(({ eventType }) => typeNumber(eventType) === undefined);
  const named = unknown.map(({ eventType, producer }) => JSON.stringify([eventType, producer]));
  return sql`WITH
    coming AS MATERIALIZED (
      SELECT value->>0 AS name, value->>1 AS producer, row_number() OVER (PARTITION BY value->>1) AS nth
      FROM json_each(${`[${[...new Set(named)].join(",")}]`}) WHERE value->>0 NOT IN (SELECT name FROM event_types)
    ),
    numbered AS MATERIALIZED (
      SELECT producer, count(*) AS n FROM event_types
      WHERE id >= ${integer(FIRST_UNKNOWN_TYPE)} AND EXISTS (SELECT 1 FROM coming) GROUP BY producer
    ),
    taken AS (
      SELECT name, producer, row_number() OVER () AS place, min(nth) FROM coming
      WHERE nth + coalesce((SELECT n FROM numbered WHERE numbered.producer = coming.producer), 0) <= ${integer(MAX_TYPES_OF_PRODUCER)}
      GROUP BY name
    )
    INSERT INTO event_types (id, name, producer)
    SELECT max(${integer(FIRST_UNKNOWN_TYPE - 1)}, (SELECT max(id) FROM event_types)) + place, name, producer FROM taken
    WHERE place + (SELECT total(n) FROM numbered) <= ${integer(MAX_TYPES)}`;
}

/**
 * The number of a type that the catalogue does not know, as SQL on its name. The lowest: a newer version of the catalogue may
 * know the type already.
 */
export const numberOf = (name: SQL): SQL =>
  sql`coalesce((SELECT id FROM event_types WHERE name = ${name} ORDER BY id LIMIT 1), ${integer(OTHER_TYPE)})`;
