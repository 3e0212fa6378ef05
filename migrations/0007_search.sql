-- The full-text index: the terms of each event (src/events/search/terms.ts), where rowid = events.id.
CREATE VIRTUAL TABLE event_index USING fts5 (
  -- Single letters, pairs and triples of the message in upper case, the type, the objects with their roles, and the values
  -- of auth_method and pat_uuid: words with spaces between them.
  terms,
  -- The text itself is not kept; only its index is.
  content = '',
  -- Rows may be deleted all the same.
  contentless_delete = 1,
  -- Positions are not kept: a text of more than three letters is found by its triples and then compared with the message.
  detail = none,
  -- A word ends at white space and at control characters only.
  tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);

-- Totals of searches, so that the next request counts only newer events. src/events/search/kept-totals.ts limits the rows.
CREATE TABLE search_totals (
  -- The search: the digest of its query (src/events/query.ts), 32 hex digits.
  query TEXT PRIMARY KEY,
  -- commit_watermark.epoch when the total was counted; a total of another epoch is not used.
  epoch INTEGER NOT NULL,
  -- The total includes the events up to this id.
  upto_id INTEGER NOT NULL,
  -- Number of events that match.
  n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
