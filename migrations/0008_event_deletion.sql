-- A deleted event leaves the full-text index, the counters and event_scopes. Its objects are looked up among the texts at
-- the top level of its context.
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
