-- Exact totals without COUNT. One row for a series and a period, kept by the transaction that writes the events:
--   series 'log', 'log/day', 'log/hour': the whole log by quarter, day and hour; any other: an object (32 hex) by quarter.
--   period: the first month of a quarter ('2026-07'), a day ('2026-07-30') or an hour ('2026-07-30T14'), in UTC.
--   n: events; min_id, last_id: every id of theirs lies between.
--   codes: JSON, "MM:code" → events, code = type * 32 + roles (roles are 0 for the log); "code" alone for days and hours.
--   days: JSON, "MM-DD:roles" → events; objects only.
CREATE TABLE counters (
  series TEXT NOT NULL,
  period TEXT NOT NULL,
  n INTEGER NOT NULL,
  min_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  codes TEXT NOT NULL,
  days TEXT,
  PRIMARY KEY (series, period)
) STRICT, WITHOUT ROWID;

-- The inverted index: for each event (rowid = events.id) the letters, pairs and triples of letters of its folded message,
-- its type, the objects it concerns and how, its auth_method and pat_uuid (src/events/search/terms.ts). Positions are not kept:
-- a text of more than three letters is looked up by its triples and then compared with the message.
CREATE VIRTUAL TABLE event_index USING fts5 (
  terms,
  content = '',
  contentless_delete = 1,
  detail = none,
  tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);

-- Counted deletions and changes of events: what was worked out from the rows of another epoch is not valid any more.
ALTER TABLE commit_watermark ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- How many events up to an id match a search, so that the next one counts only what came after.
CREATE TABLE search_totals (
  query TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  upto_id INTEGER NOT NULL,
  n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A deleted event leaves its scopes, the index and every counter. Scopes are top-level texts of the context.
CREATE TRIGGER events_deleted AFTER DELETE ON events BEGIN
  UPDATE commit_watermark SET epoch = epoch + 1;
  DELETE FROM event_index WHERE rowid = OLD.id;
  UPDATE counters SET
    n = n - 1,
    codes = json_set(codes, '$."' || iif(length(period) = 7, strftime('%m', floor(OLD.created / 1e6), 'unixepoch') || ':', '') || (OLD.type * 32) || '"',
      json_extract(codes, '$."' || iif(length(period) = 7, strftime('%m', floor(OLD.created / 1e6), 'unixepoch') || ':', '') || (OLD.type * 32) || '"') - 1)
  WHERE (series, period) IN (
    VALUES
      ('log', strftime('%Y-', floor(OLD.created / 1e6), 'unixepoch') || printf('%02d', (strftime('%m', floor(OLD.created / 1e6), 'unixepoch') - 1) / 3 * 3 + 1)),
      ('log/day', strftime('%Y-%m-%d', floor(OLD.created / 1e6), 'unixepoch')),
      ('log/hour', strftime('%Y-%m-%dT%H', floor(OLD.created / 1e6), 'unixepoch'))
  );
  UPDATE counters SET
    n = n - 1,
    codes = json_set(codes, gone.code, json_extract(codes, gone.code) - 1),
    days = json_set(days, gone.day, json_extract(days, gone.day) - 1)
  FROM (
    SELECT DISTINCT event_scopes.scope,
      '$."' || strftime('%m:', floor(OLD.created / 1e6), 'unixepoch') || (OLD.type * 32 + event_scopes.roles) || '"' AS code,
      '$."' || strftime('%m-%d:', floor(OLD.created / 1e6), 'unixepoch') || event_scopes.roles || '"' AS day
    FROM json_each(OLD.context) AS entry JOIN event_scopes ON event_scopes.scope = lower(replace(entry.value, '-', ''))
    WHERE entry.type = 'text' AND event_scopes.created = OLD.created AND event_scopes.event_id = OLD.id
  ) AS gone
  WHERE counters.series = gone.scope
    AND counters.period = strftime('%Y-', floor(OLD.created / 1e6), 'unixepoch') || printf('%02d', (strftime('%m', floor(OLD.created / 1e6), 'unixepoch') - 1) / 3 * 3 + 1);
  DELETE FROM event_scopes
  WHERE scope IN (SELECT lower(replace(value, '-', '')) FROM json_each(OLD.context) WHERE type = 'text')
    AND created = OLD.created AND event_id = OLD.id;
END;
