-- Who may send events, and how they prove who they are. secrets: a JSON list; SHA-256 (hex) of each for auth 'secret',
-- the secret itself for the two that sign: whoever verifies a signature must be able to make one.
CREATE TABLE producers (
  name TEXT PRIMARY KEY,
  auth TEXT NOT NULL CHECK (auth IN ('secret', 'standard-webhooks', 'github')),
  secrets TEXT NOT NULL CHECK (json_valid(secrets)),
  -- Seconds a signed message may be old.
  tolerance INTEGER NOT NULL DEFAULT 300,
  -- Messages waiting in the queue above which this producer is told to slow down; NULL: INGEST_MAX_BACKLOG.
  max_backlog INTEGER,
  is_active INTEGER NOT NULL DEFAULT 1,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accepted events that could not be written, one row each, and queue messages nobody can read.
-- Times in microseconds since 1970.
CREATE TABLE dead_letters (
  -- Digest of the body: dying twice is one row.
  id TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  producer TEXT,
  -- The event's; NULL when the message cannot be read.
  uuid TEXT,
  content TEXT,
  -- Deliveries of its message, over all its deaths.
  attempts INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  -- dead; replay: the next run of the cron job sends it to the queue; sent: it has, and the row goes when it is stored.
  state TEXT NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replay', 'sent')),
  -- A queue message (src/ingest/queue/message.ts); NULL when it is large and lies in the bucket SPILL under bodies/{id}.
  body TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX dead_letters_uuid ON dead_letters (uuid);
CREATE INDEX dead_letters_state ON dead_letters (state) WHERE state <> 'dead';

-- What became of the events of a producer, by the day (YYYY-MM-DD, UTC) they were received.
-- lag: JSON object, bucket (src/ingest/statistics/lag.ts) → stored events.
CREATE TABLE ingest_days (
  producer TEXT NOT NULL,
  day TEXT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  lag TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (day, producer)
) STRICT, WITHOUT ROWID;

-- Requests that were refused.
CREATE TABLE ingest_rejections (
  producer TEXT NOT NULL,
  day TEXT NOT NULL,
  reason TEXT NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY (day, producer, reason)
) STRICT, WITHOUT ROWID;
