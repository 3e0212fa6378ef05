-- Who may see what.

-- Seconds a token lives without being used; NULL: for ever. The lifetime slides, as in Waldur.
ALTER TABLE users ADD COLUMN token_lifetime INTEGER;

-- expires: microseconds, NULL for never. last_used_day: days since 1970, written at most once a day.
ALTER TABLE tokens ADD COLUMN expires INTEGER;
ALTER TABLE tokens ADD COLUMN last_used_day INTEGER;

-- What ties a user to a customer, a project or another object. scope_type: Waldur's model name.
-- customer: of the object, when it was told at the grant. expires: microseconds, NULL for never.
CREATE TABLE roles (
  user_uuid TEXT NOT NULL REFERENCES users (uuid),
  scope TEXT NOT NULL,
  scope_type TEXT NOT NULL,
  name TEXT NOT NULL,
  customer TEXT,
  expires INTEGER,
  PRIMARY KEY (user_uuid, scope, name)
) STRICT, WITHOUT ROWID;
