-- The producers that may send events, and how each proves who it is. A producer here replaces one of the same name in the
-- variable INGEST_SECRETS.
CREATE TABLE producers (
  -- The name in the URL /ingest/{name}.
  name TEXT PRIMARY KEY,
  -- How a request is checked (src/ingest/producers/schemes.ts).
  auth TEXT NOT NULL CHECK (auth IN ('secret', 'standard-webhooks', 'github')),
  -- A JSON array of texts, the newest first. For `secret`: SHA-256 (hex) of each secret. For the two schemes that sign: the
  -- secrets themselves, because a signature can only be checked with its key.
  secrets TEXT NOT NULL CHECK (json_valid(secrets)),
  -- The greatest age of a signed message, in seconds.
  tolerance INTEGER NOT NULL DEFAULT 300,
  -- The number of messages in the queue above which requests of this producer get 429; NULL: INGEST_MAX_BACKLOG.
  max_backlog INTEGER,
  -- 1: its events say which customer and project an object belongs to, and so who may see the object's events.
  tells_places INTEGER NOT NULL DEFAULT 0,
  -- 1: it is the source of truth for events: its uuids replace those of other producers for events of the same content.
  is_upstream INTEGER NOT NULL DEFAULT 0,
  -- The format of its bodies (src/ingest/formats/choose.ts); NULL: the header Content-Type decides, which no signature covers.
  format TEXT CHECK (format IN ('json', 'ndjson', 'form', 'cloudevents', 'cloudevents-batch')),
  -- The event types that it may send: a JSON array of names, or of prefixes that end in `*`; NULL: any.
  types TEXT CHECK (json_valid(types)),
  -- The customers that its events may concern: a JSON array of 32 hex digits; NULL: any.
  customers TEXT CHECK (json_valid(customers)),
  -- The number of events a minute above which its requests get 429, counted by each isolate; NULL: no limit.
  max_rate INTEGER,
  -- The number of events a day (UTC) above which its requests get 429; NULL: no limit.
  daily_quota INTEGER,
  -- 0: every request in this name is rejected.
  is_active INTEGER NOT NULL DEFAULT 1,
  -- When the row was made: microseconds since 1970.
  created INTEGER NOT NULL,
  -- When the row was changed last: microseconds since 1970.
  updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
