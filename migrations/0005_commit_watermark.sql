-- One row: how far the log was written before the current transaction, and how often written data changed.
CREATE TABLE commit_watermark (
  -- Always 1, so that there is no second row.
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  -- The highest events.id before the batch that is being written: an event with a higher id is new in this transaction.
  last_id INTEGER NOT NULL,
  -- Grows when events are deleted or renamed, and when the counters or the full-text index are repaired. An ETag or a kept
  -- total of another epoch is not used.
  epoch INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO commit_watermark (singleton, last_id) VALUES (1, 0);
