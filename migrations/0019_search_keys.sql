-- How many events have a term of event_index, which SQLite knows without reading them.
CREATE VIRTUAL TABLE event_terms USING fts5vocab(event_index, row);

-- The kept matches of a search, so that no later page looks for them again: one row for up to 2,500 of them. All events up to
-- search_totals.upto_id are included.
CREATE TABLE search_keys (
  -- search_totals.query.
  query TEXT NOT NULL,
  -- The window of ids in which the matches were counted: its highest id.
  upto_id INTEGER NOT NULL,
  -- Numbers the rows of a window in the order of created.
  part INTEGER NOT NULL,
  -- search_totals.epoch when the matches were counted.
  epoch INTEGER NOT NULL,
  -- Number of matches in the row.
  n INTEGER NOT NULL,
  -- The least created of the matches.
  first_created INTEGER NOT NULL,
  -- The greatest created of the matches.
  last_created INTEGER NOT NULL,
  -- The least id of the matches.
  first_id INTEGER NOT NULL,
  -- The greatest id of the matches.
  last_id INTEGER NOT NULL,
  -- The matches in the order of created, then id: a JSON array of two arrays, the values of created and the ids. Each value
  -- after the first of an array is the difference to the one before.
  keys TEXT NOT NULL,
  -- The rows of a search.
  PRIMARY KEY (query, upto_id, part)
) STRICT, WITHOUT ROWID;

-- 1: the matches are in search_keys; 0: they were counted only.
ALTER TABLE search_totals ADD COLUMN is_listed INTEGER NOT NULL DEFAULT 0;

-- The search, for the cron job that goes on counting it: the JSON of its query (src/events/search/job.ts). NULL when all events
-- up to upto_id are all that there were.
ALTER TABLE search_totals ADD COLUMN unfinished TEXT;

-- Finds the few searches that the cron job has to finish.
CREATE INDEX search_totals_unfinished ON search_totals (query) WHERE unfinished IS NOT NULL;

-- The Worker before this migration counts on until the new one is uploaded, and keeps no matches: it leaves the row of a search
-- alone whose matches are kept.
CREATE TRIGGER counted_without_keys BEFORE UPDATE OF upto_id ON search_totals
WHEN NEW.is_listed = 1 AND NEW.n > 0 AND (NEW.n <> OLD.n OR NEW.epoch <> OLD.epoch)
  AND NOT EXISTS (SELECT 1 FROM search_keys WHERE query = NEW.query AND upto_id = NEW.upto_id AND epoch = NEW.epoch)
BEGIN
  SELECT RAISE(IGNORE);
END;
