-- What events say about objects (src/events/objects/extract.ts): one row for each object. Newer events win.
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
  -- When the newest event that changed the row was created: microseconds since 1970.
  learned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
