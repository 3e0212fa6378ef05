-- The roles of users on customers, projects and other objects. They decide which events a user may see.
CREATE TABLE roles (
  -- users.uuid.
  user_uuid TEXT NOT NULL REFERENCES users (uuid),
  -- The object that the role is on: 32 lower-case hex digits.
  scope TEXT NOT NULL,
  -- The type of the object, by Waldur's model name: `customer`, `project`, `offering`.
  scope_type TEXT NOT NULL,
  -- Waldur's name of the role, e.g. `CUSTOMER.OWNER`.
  name TEXT NOT NULL,
  -- The customer that the object belongs to, 32 hex digits; NULL when it was not given with the role.
  customer TEXT,
  -- When the role ends: microseconds since 1970; NULL: never.
  expires INTEGER,
  -- The roles of a user. Each role is granted once on an object.
  PRIMARY KEY (user_uuid, scope, name)
) STRICT, WITHOUT ROWID;
