-- The number of each event type. Events, counters and indexes hold the number, which is smaller than the name.
CREATE TABLE event_types (
  -- 1 to 998: types of the catalogue. From 1000 on: other types; each gets the next number when its first event is written,
  -- up to the limits of src/events/write/types.ts. Events of types beyond the limits share the number 999, which has no row.
  id INTEGER PRIMARY KEY,
  -- The type as events name it, e.g. `project_created`. UNIQUE: the index that finds the number of a name.
  name TEXT NOT NULL UNIQUE,
  -- The producer whose event was the first of this type; NULL for a type of the catalogue.
  producer TEXT
) STRICT;
