-- The objects that each event concerns: one row for each event and object. Filters by customer, project, user and scope
-- read it instead of the log.
CREATE TABLE event_scopes (
  -- The object: 32 lower-case hex digits.
  scope TEXT NOT NULL,
  -- A copy of events.created: microseconds since 1970.
  created INTEGER NOT NULL,
  -- events.id.
  event_id INTEGER NOT NULL,
  -- A copy of events.type.
  type INTEGER NOT NULL,
  -- How the event concerns the object: a sum of the bits in src/events/scopes.ts.
  roles INTEGER NOT NULL,
  -- The events of an object in the order of every list.
  PRIMARY KEY (scope, created DESC, event_id)
) STRICT, WITHOUT ROWID;
