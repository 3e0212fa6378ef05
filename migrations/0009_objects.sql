-- What events of producers that may tell places say about objects (src/events/objects/extract.ts): one row for each object.
-- Newer events win.
CREATE TABLE objects (
  -- The object: 32 lower-case hex digits.
  uuid TEXT PRIMARY KEY,
  -- `app_label.modelname`; NULL for an object of a plugin whose type no event says.
  type TEXT,
  -- The customer that the object belongs to: 32 hex digits; NULL when no event says it.
  customer TEXT,
  -- The project that the object belongs to: 32 hex digits; NULL when no event says it.
  project TEXT,
  -- Of a marketplace resource: the object of the plugin that provides it, 32 hex digits; else NULL.
  backing_resource TEXT,
  -- When the newest event that changed the row was created, but not after it was received: microseconds since 1970.
  learned_at INTEGER NOT NULL,
  -- The producer of that event; NULL when an operator has set the row.
  producer TEXT
) STRICT, WITHOUT ROWID;

-- The objects whose customer an event has changed, for an operator to check: one row for each change.
CREATE TABLE object_moves (
  -- Numbers in the order of the changes.
  id INTEGER PRIMARY KEY,
  -- objects.uuid.
  object TEXT NOT NULL,
  -- The customer before the change: 32 hex digits.
  old_customer TEXT NOT NULL,
  -- The customer after the change: 32 hex digits.
  new_customer TEXT NOT NULL,
  -- The producer of the event.
  producer TEXT NOT NULL,
  -- The event: 32 hex digits, as events.uuid was when the event was received.
  event TEXT NOT NULL,
  -- When the event was received: microseconds since 1970.
  received_at INTEGER NOT NULL
) STRICT;
