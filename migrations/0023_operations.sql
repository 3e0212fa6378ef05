-- What GET /metrics tells (src/operations/README.md).

-- When the newest event of the day was received: microseconds since 1970; 0 before this column was there.
ALTER TABLE ingest_days ADD COLUMN last_received INTEGER NOT NULL DEFAULT 0;

-- How long the producer was silent before its events of the day: a JSON object, bound in seconds (PAUSE_BOUNDS of
-- src/ingest/statistics/pauses.ts) → sum of the pauses up to this bound, in milliseconds.
ALTER TABLE ingest_days ADD COLUMN pauses TEXT NOT NULL DEFAULT '{}';

-- One row: what the cron job has counted, so that a scrape reads one row, however many producers and days there are.
CREATE TABLE operations (
  -- Always 1, so that there is no second row.
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  -- When the cron job wrote the row: microseconds since 1970; 0 before its first run.
  at INTEGER NOT NULL,
  -- The numbers: JSON (src/operations/numbers.ts).
  numbers TEXT NOT NULL
) STRICT;

INSERT INTO operations (singleton, at, numbers) VALUES (1, 0, '{}');
