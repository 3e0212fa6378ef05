-- What became of the accepted events: one row for each producer and day.
CREATE TABLE ingest_days (
  -- The producer's name.
  producer TEXT NOT NULL,
  -- The day (UTC) on which the events were received: `YYYY-MM-DD`.
  day TEXT NOT NULL,
  -- Number of events that were accepted.
  accepted INTEGER NOT NULL DEFAULT 0,
  -- Number of accepted events that became a new row of events.
  stored INTEGER NOT NULL DEFAULT 0,
  -- Number of accepted events that were stored before.
  duplicates INTEGER NOT NULL DEFAULT 0,
  -- Number of accepted events that became dead letters.
  dead INTEGER NOT NULL DEFAULT 0,
  -- Number of stored events by the time from receipt to storage: a JSON object with buckets of src/ingest/statistics/lag.ts
  -- as its keys.
  lag TEXT NOT NULL DEFAULT '{}',
  -- The producers of a day.
  PRIMARY KEY (day, producer)
) STRICT, WITHOUT ROWID;

-- Requests that were rejected: one row for each producer, day and reason.
CREATE TABLE ingest_rejections (
  -- The producer's name.
  producer TEXT NOT NULL,
  -- The day (UTC) of the requests: `YYYY-MM-DD`.
  day TEXT NOT NULL,
  -- Why, in a word (src/ingest/statistics/rejected.ts).
  reason TEXT NOT NULL,
  -- Number of requests.
  requests INTEGER NOT NULL,
  -- The rejections of a day.
  PRIMARY KEY (day, producer, reason)
) STRICT, WITHOUT ROWID;
