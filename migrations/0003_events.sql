-- The log: one row for each event.
CREATE TABLE events (
  -- Numbers in the order of the commits. AUTOINCREMENT: the number of a deleted event is never used again.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The identity that clients see: 32 lower-case hex digits.
  uuid TEXT NOT NULL,
  -- When the event happened: microseconds since 1970.
  created INTEGER NOT NULL,
  -- event_types.id, or 999.
  type INTEGER NOT NULL,
  -- The type as the event names it, where the catalogue does not have it; else NULL.
  type_name TEXT,
  -- The text as it was received.
  message TEXT NOT NULL,
  -- The message in upper case, when it has letters that SQLite's upper() leaves as they are; else NULL.
  folded TEXT,
  -- The values around the event: the compact JSON text of an object.
  context TEXT NOT NULL,
  -- The producer that the event was received from: its name.
  producer TEXT NOT NULL,
  -- 1: the event, or its uuid, is from a producer that is the source of truth (producers.is_upstream).
  upstream INTEGER NOT NULL,
  -- When the event was received: microseconds since 1970.
  received_at INTEGER NOT NULL,
  -- The digest of what the event says (src/ingest/identity.ts): 32 hex digits. NULL when uuid is this digest, because the
  -- event was received without an id.
  content TEXT,
  -- The month of created, in UTC: `07`. Computed when it is read and not stored, like the next three. A query with one of
  -- them reads the table even when an index has all other columns.
  month TEXT AS (strftime('%m', floor(created / 1e6), 'unixepoch')),
  -- The quarter, named by its first month: `2026-07`.
  quarter TEXT AS (strftime('%Y-', floor(created / 1e6), 'unixepoch') || printf('%02d', (month - 1) / 3 * 3 + 1)),
  -- The day: `2026-07-30`.
  day TEXT AS (strftime('%Y-%m-%d', floor(created / 1e6), 'unixepoch')),
  -- The hour: `2026-07-30T14`.
  hour TEXT AS (strftime('%Y-%m-%dT%H', floor(created / 1e6), 'unixepoch'))
) STRICT;

-- Finds an event by its identity, and rejects a second row for it.
CREATE UNIQUE INDEX events_uuid ON events (uuid);

-- The order of every list: the newest first, events of the same time by ascending id. With the type, a filter by type
-- reads no rows of the table.
CREATE INDEX events_order ON events (created DESC, id, type);

-- Finds an event with an id by what it says, for events that arrive without an id or from another producer. No row is
-- written to it for an event without an id. With the producer, a look-up reads one row, however many equal events there are.
CREATE INDEX events_content ON events (content, upstream, producer) WHERE content IS NOT NULL;
