-- The number of each event type. Events, counters and indexes hold the number, which is smaller than the name.
CREATE TABLE event_types (
  -- 1 to 999: types of the catalogue. From 1000 on: other types; each gets the next number when its first event is written.
  id INTEGER PRIMARY KEY,
  -- The type as events name it, e.g. `project_created`. UNIQUE: the index that finds the number of a name.
  name TEXT NOT NULL UNIQUE
) STRICT;
