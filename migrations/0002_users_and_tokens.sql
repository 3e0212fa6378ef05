-- Who may call. Tokens are kept as SHA-256 (hex) only.
CREATE TABLE users (
  uuid TEXT PRIMARY KEY,
  username TEXT NOT NULL UNIQUE,
  is_staff INTEGER NOT NULL DEFAULT 0,
  is_support INTEGER NOT NULL DEFAULT 0,
  is_active INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  hash TEXT PRIMARY KEY,
  user_uuid TEXT NOT NULL REFERENCES users (uuid),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
