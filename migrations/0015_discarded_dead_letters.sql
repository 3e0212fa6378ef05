-- Accepted events that could not be stored, one row each, and queue messages that could not be read. Made again, because
-- SQLite cannot change a CHECK.
CREATE TABLE new_dead_letters (
  -- A digest of the event's producer, uuid and content, or of an unreadable message: 32 hex digits. An event that fails
  -- again updates its row.
  id TEXT PRIMARY KEY,
  -- Why it was given up, in a word: `database`, `refused`, `conflict`, `retries`, `unreadable` or `practice`.
  reason TEXT NOT NULL,
  -- The error, cut to 500 characters.
  detail TEXT NOT NULL,
  -- The producer of the event; NULL when the message could not be read.
  producer TEXT,
  -- The event's identity, as in events.uuid; NULL when the message could not be read.
  uuid TEXT,
  -- The digest of what the event says, 32 hex digits; NULL when the message could not be read.
  content TEXT,
  -- The day (UTC, `YYYY-MM-DD`) on which the event was received and for which ingest_days.dead counts it; NULL when it is
  -- not counted.
  day TEXT,
  -- Number of times that the queue delivered the message, replays included.
  attempts INTEGER NOT NULL,
  -- When the row was made: microseconds since 1970.
  first_seen INTEGER NOT NULL,
  -- When the event failed last: microseconds since 1970.
  last_seen INTEGER NOT NULL,
  -- When it was discarded: microseconds since 1970; NULL when it was not.
  discarded INTEGER,
  -- `dead`: waits for an operator. `replay`: the next run of the cron job sends it to the queue. `sent`: it is in the queue.
  -- `stored`: its event is stored; the next run of the cron job deletes the row. `discarded`: an operator has given it up;
  -- the row stays for its receipt.
  state TEXT NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replay', 'sent', 'stored', 'discarded')),
  -- The message for the queue (src/ingest/queue/message.ts); NULL when it is large and kept in the bucket SPILL as
  -- bodies/{id}; empty when it was discarded.
  body TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO new_dead_letters (id, reason, detail, producer, uuid, content, attempts, first_seen, last_seen, state, body)
SELECT id, reason, detail, producer, uuid, content, attempts, first_seen, last_seen, state, body FROM dead_letters;

DROP TABLE dead_letters;

-- Its indexes follow, because those of the old table are gone with it.
ALTER TABLE new_dead_letters RENAME TO dead_letters;

-- Finds the dead letters of an event.
CREATE INDEX dead_letters_uuid ON dead_letters (uuid);

-- Finds the few rows that the cron job has to send or delete.
CREATE INDEX dead_letters_state ON dead_letters (state) WHERE state IN ('replay', 'sent', 'stored');
