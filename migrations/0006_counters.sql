-- Exact numbers of events, so that no request counts rows: one row for each series and period. The transaction that writes
-- or deletes an event updates them. Periods are in UTC.
CREATE TABLE counters (
  -- `log`, `log/day` and `log/hour`: all events, by quarter, day and hour. Else an object (32 hex digits), by quarter.
  series TEXT NOT NULL,
  -- A quarter by its first month (`2026-07`), a day (`2026-07-30`) or an hour (`2026-07-30T14`).
  period TEXT NOT NULL,
  -- Number of events.
  n INTEGER NOT NULL,
  -- No event of the period has a lower id.
  min_id INTEGER NOT NULL,
  -- No event of the period has a higher id.
  last_id INTEGER NOT NULL,
  -- Number of events by month, type and roles: a JSON object with keys `MM:code`, of days and hours `code`, where
  -- code = type * 32 + roles. Roles are 0 in the series of the log.
  codes TEXT NOT NULL,
  -- Number of events by day and roles: a JSON object with keys `MM-DD:roles`. NULL in the series of the log.
  days TEXT,
  -- The periods of a series in the order of time.
  PRIMARY KEY (series, period)
) STRICT, WITHOUT ROWID;
