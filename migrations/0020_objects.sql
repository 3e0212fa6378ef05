-- What events have told about objects (src/events/objects/extract.ts): their type, where they belong, and for a marketplace
-- resource the object behind it. told: when the newest event that changed the row was created.
CREATE TABLE objects (
  uuid TEXT PRIMARY KEY,
  type TEXT,
  customer TEXT,
  project TEXT,
  backing_resource TEXT,
  told INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
