-- Following the log (src/feed/README.md).

-- The entries `identity` and `removed` of log_changes, by the objects and the type of their event, so that a reader finds
-- those that it may see without reading the others: rowid = log_changes.id. Of entries before this migration it has none:
-- nobody has followed the log by then.
CREATE VIRTUAL TABLE change_index USING fts5 (
  -- The type and the objects with their roles, as in event_index.
  terms,
  -- The text itself is not kept; only its index is.
  content = '',
  -- Positions are not kept.
  detail = none,
  -- A word ends at white space and at control characters only, as in event_index.
  tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);

-- Of a period: the highest id of its events.
ALTER TABLE log_changes ADD COLUMN last_id INTEGER;

-- Finds the few entries about periods.
CREATE INDEX log_changes_periods ON log_changes (id) WHERE op = 'period';

-- log_changes.id of the newest entry about a period.
ALTER TABLE commit_watermark ADD COLUMN last_period INTEGER NOT NULL DEFAULT 0;

-- A random secret, 64 hex digits: what the offsets and ids of readers who do not see every event are made with.
ALTER TABLE commit_watermark ADD COLUMN feed_key TEXT NOT NULL DEFAULT '';

UPDATE commit_watermark SET feed_key = lower(hex(randomblob(32)));

-- A trigger, because the Worker before this migration writes entries, too, until the new one is uploaded. The letters of the
-- roles are those of src/events/search/terms.ts.
CREATE TRIGGER identity_indexed AFTER INSERT ON log_changes WHEN NEW.op = 'identity' BEGIN
  INSERT INTO change_index (rowid, terms)
  SELECT NEW.id, 'type:' || events.type || ' ' || coalesce((
    SELECT group_concat(iif(scopes.roles & 1, 'f' || scopes.scope || ' ', '')
      || iif(scopes.roles & 2, 'c' || scopes.scope || ' ', '')
      || iif(scopes.roles & 4, 'p' || scopes.scope || ' ', '')
      || iif(scopes.roles & 8, 'u' || scopes.scope || ' ', '')
      || iif(scopes.roles & 16, 'a' || scopes.scope || ' ', ''), '')
    FROM json_each(events.context) AS entry
      CROSS JOIN event_scopes AS scopes ON scopes.scope = lower(replace(entry.value, '-', ''))
        AND scopes.created = events.created AND scopes.event_id = events.id
    WHERE entry.type = 'text'
  ), '')
  FROM events WHERE events.id = NEW.event_id;
END;

-- The same for a deleted event, whose objects the entry names.
CREATE TRIGGER removal_indexed AFTER INSERT ON log_changes WHEN NEW.op = 'removed' BEGIN
  INSERT INTO change_index (rowid, terms)
  SELECT NEW.id, 'type:' || NEW.type || ' ' || coalesce(group_concat(iif(entry.value & 1, 'f' || entry.key || ' ', '')
      || iif(entry.value & 2, 'c' || entry.key || ' ', '')
      || iif(entry.value & 4, 'p' || entry.key || ' ', '')
      || iif(entry.value & 8, 'u' || entry.key || ' ', '')
      || iif(entry.value & 16, 'a' || entry.key || ' ', ''), ''), '')
  FROM json_each(NEW.scopes) AS entry;
END;
