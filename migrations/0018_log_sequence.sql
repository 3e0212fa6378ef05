-- The sequence of the log: its entries are numbered 1, 2, 3 … in the order of the commits, without gaps, and no number is
-- used twice. Entry n is the event with the id n, until it is deleted, or the row n of log_changes.
-- src/events/log/README.md says what the sequence promises.

-- What happened to stored events: one row for each entry that is not a new event.
CREATE TABLE log_changes (
  -- The number of the entry.
  id INTEGER PRIMARY KEY,
  -- `identity`: an event took another uuid. `removed`: an event was deleted. `period`: all events of a time were deleted.
  op TEXT NOT NULL CHECK (op IN ('identity', 'removed', 'period')),
  -- The event: events.id. Of a period, see created_to.
  event_id INTEGER NOT NULL,
  -- The uuid of the event after the change: 32 hex digits. NULL for a period.
  uuid TEXT,
  -- Of `identity`: the uuid before the change, 32 hex digits.
  old_uuid TEXT,
  -- Of `identity`: 1 where the new uuid is from a producer that is the source of truth.
  upstream INTEGER,
  -- Of `removed`, for the readers who could see the event: events.created, events.type and events.type_name.
  created INTEGER,
  -- See created.
  type INTEGER,
  -- See created.
  type_name TEXT,
  -- Of `removed`: the objects that the event concerned, with their roles (event_scopes): a JSON object, object → roles.
  scopes TEXT,
  -- Of a period: its first time, microseconds since 1970. Of hidden events, too, like created_to, event_id and n.
  created_from INTEGER,
  -- Of a period: its last time, microseconds since 1970. Of the events of this very time, only those from event_id on are
  -- deleted, in the order of their ids.
  created_to INTEGER,
  -- Of a period: the number of deleted events with ids above commit_watermark.dense_from.
  n INTEGER
) STRICT;

-- log_changes.id of the newest row, or the highest number that was used before there was that table. The end of the log is
-- this number or the highest events.id.
ALTER TABLE commit_watermark ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;

-- Up to this number, the log of a database that is older than this column has gaps.
ALTER TABLE commit_watermark ADD COLUMN dense_from INTEGER NOT NULL DEFAULT 0;

-- The incarnation of the log: when it began, in milliseconds since 1970. A restore of the database begins a new one.
ALTER TABLE commit_watermark ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;

-- 1 in a transaction that deletes a whole period and sees itself to what events_deleted does.
ALTER TABLE commit_watermark ADD COLUMN deletes_period INTEGER NOT NULL DEFAULT 0;

-- The end of the log before the batch that is being written: an event with a higher id is new in this transaction. last_id
-- was that before this migration.
ALTER TABLE commit_watermark ADD COLUMN marked_end INTEGER NOT NULL DEFAULT 0;

-- 1 when the Worker before this migration was the last to write: the log has gaps up to its end, and not dense_from.
ALTER TABLE commit_watermark ADD COLUMN has_gaps INTEGER NOT NULL DEFAULT 0;

-- The newest entry `identity` of an event of the period; no event of the series changed in a later one.
ALTER TABLE counters ADD COLUMN changed_id INTEGER NOT NULL DEFAULT 0;

UPDATE commit_watermark SET
  last_change = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0),
  dense_from = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0),
  incarnation = CAST(unixepoch('subsec') * 1000 AS INTEGER);

-- The Worker before this migration writes on until the new one is uploaded. It lets SQLite number its events, leaves a gap for
-- each duplicate, and enters no changed uuid. So its events begin after the end of the log, which is dense only after them.
CREATE TRIGGER written_without_numbers AFTER UPDATE OF last_id ON commit_watermark BEGIN
  UPDATE sqlite_sequence SET seq = max(NEW.last_change, coalesce((SELECT max(id) FROM events), 0)) WHERE name = 'events';

  UPDATE commit_watermark SET has_gaps = 1;
END;

DROP TRIGGER events_deleted;

-- A deleted event leaves the full-text index, the counters and event_scopes, and its deletion is an entry of the log. Its
-- objects are looked up among the texts at the top level of its context.
CREATE TRIGGER events_deleted AFTER DELETE ON events WHEN (SELECT deletes_period FROM commit_watermark) = 0 BEGIN
  UPDATE commit_watermark SET
    epoch = epoch + 1,
    last_change = max(last_change, OLD.id, coalesce((SELECT max(id) FROM events), 0)) + 1;

  INSERT INTO log_changes (id, op, event_id, uuid, created, type, type_name, scopes)
  SELECT last_change, 'removed', OLD.id, OLD.uuid, OLD.created, OLD.type, OLD.type_name, (
    SELECT json_group_object(scope, roles) FROM event_scopes
    WHERE scope IN (SELECT lower(replace(value, '-', '')) FROM json_each(OLD.context) WHERE type = 'text')
      AND created = OLD.created AND event_id = OLD.id
  ) FROM commit_watermark;

  DELETE FROM event_index WHERE rowid = OLD.id;

  -- The counters of the log. Only those of quarters have the month in their keys.
  UPDATE counters SET
    n = n - 1,
    codes = json_set(codes, '$."' || iif(series = 'log', OLD.month || ':', '') || (OLD.type * 32) || '"',
      json_extract(codes, '$."' || iif(series = 'log', OLD.month || ':', '') || (OLD.type * 32) || '"') - 1)
  WHERE (series, period) IN (VALUES ('log', OLD.quarter), ('log/day', OLD.day), ('log/hour', OLD.hour));

  -- The counters of objects.
  UPDATE counters SET
    n = n - 1,
    codes = json_set(codes, gone.code, json_extract(codes, gone.code) - 1),
    days = json_set(days, gone.day, json_extract(days, gone.day) - 1)
  FROM (
    SELECT DISTINCT event_scopes.scope,
      '$."' || OLD.month || ':' || (OLD.type * 32 + event_scopes.roles) || '"' AS code,
      '$."' || substr(OLD.day, 6) || ':' || event_scopes.roles || '"' AS day
    FROM json_each(OLD.context) AS entry JOIN event_scopes ON event_scopes.scope = lower(replace(entry.value, '-', ''))
    WHERE entry.type = 'text' AND event_scopes.created = OLD.created AND event_scopes.event_id = OLD.id
  ) AS gone
  WHERE counters.series = gone.scope AND counters.period = OLD.quarter;

  DELETE FROM event_scopes
  WHERE scope IN (SELECT lower(replace(value, '-', '')) FROM json_each(OLD.context) WHERE type = 'text')
    AND created = OLD.created AND event_id = OLD.id;
END;
