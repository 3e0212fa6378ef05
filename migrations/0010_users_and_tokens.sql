-- The people who may call, where AUTH is `local`.
CREATE TABLE users (
  -- The user: 32 lower-case hex digits, those of Waldur if the user is in one.
  uuid TEXT PRIMARY KEY,
  -- The name for admin commands. UNIQUE: the index that finds a user by it.
  username TEXT NOT NULL UNIQUE,
  -- 1: sees every event and may impersonate other users.
  is_staff INTEGER NOT NULL DEFAULT 0,
  -- 1: sees every event.
  is_support INTEGER NOT NULL DEFAULT 0,
  -- 0: no token of the user is accepted.
  is_active INTEGER NOT NULL DEFAULT 1,
  -- Seconds after its last use until a token ends, as in Waldur; NULL: tokens do not end by this.
  token_lifetime INTEGER
) STRICT, WITHOUT ROWID;

-- The tokens of users. The token itself is not kept.
CREATE TABLE tokens (
  -- SHA-256 of the token: 64 hex digits.
  hash TEXT PRIMARY KEY,
  -- users.uuid.
  user_uuid TEXT NOT NULL REFERENCES users (uuid),
  -- When the token was made: microseconds since 1970. Moves to the time of use when the user has a token lifetime.
  created INTEGER NOT NULL,
  -- When the token ends, whether it is used or not: microseconds since 1970; NULL: never.
  expires INTEGER,
  -- The day of the last use, in days since 1970; NULL before the first use. Written at most once a day.
  last_used_day INTEGER
) STRICT, WITHOUT ROWID;
