-- The number of each event type, made again without UNIQUE names: a type that had got a number from 1000 on keeps it when the
-- catalogue takes it in, and gets a number of the catalogue beside it.
CREATE TABLE new_event_types (
  -- 1 to 998: types of the catalogue. From 1000 on: other types; each gets the next number when its first event is written,
  -- up to the limits of src/events/write/types.ts. Events of types beyond the limits share the number 999, which has no row.
  id INTEGER PRIMARY KEY,
  -- The type as events name it, e.g. `project_created`.
  name TEXT NOT NULL,
  -- The producer whose event was the first of this type; NULL for a type of the catalogue.
  producer TEXT
) STRICT;

INSERT INTO new_event_types (id, name, producer) SELECT id, name, producer FROM event_types;

DROP TABLE event_types;

-- Its index follows, because that of the old table is gone with it.
ALTER TABLE new_event_types RENAME TO event_types;

-- Finds the numbers of a name, that of the catalogue first.
CREATE INDEX event_types_name ON event_types (name, id);

-- The types of the catalogue that events had before it knew them, with the other numbers of their events. Empty unless such
-- events were stored.
CREATE TABLE earlier_types (
  -- The type as events name it.
  name TEXT NOT NULL,
  -- A number from 1000 on, or 999 where only the event has the name of its type.
  type INTEGER NOT NULL,
  -- A type may have had several numbers.
  PRIMARY KEY (name, type)
) STRICT, WITHOUT ROWID;

-- A migration that adds types to the catalogue says their names and numbers only. Events, counters and index keep the
-- numbers that they have. Kept totals are counted again, because a Worker that ran without these rows may have missed events.
CREATE TRIGGER event_type_known AFTER INSERT ON event_types WHEN NEW.id < 999 BEGIN
  INSERT INTO earlier_types (name, type)
    SELECT name, id FROM event_types WHERE name = NEW.name AND id >= 1000
    UNION ALL SELECT NEW.name, 999 WHERE EXISTS (
      SELECT 1 FROM event_index WHERE event_index MATCH '"type:999" AND "name:' || substr(NEW.name, 1, 64) || '"'
    );

  UPDATE commit_watermark SET epoch = epoch + 1 WHERE EXISTS (SELECT 1 FROM earlier_types WHERE name = NEW.name);
END;
