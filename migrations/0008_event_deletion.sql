-- A deleted event leaves the full-text index, the counters and event_scopes. Its objects are looked up among the texts at
-- the top level of its context.
CREATE TRIGGER events_deleted AFTER DELETE ON events BEGIN
  UPDATE commit_watermark SET epoch = epoch + 1;

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
