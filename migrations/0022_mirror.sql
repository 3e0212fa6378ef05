-- The mirror of a Waldur's history (src/mirror/README.md): one row, which `npm run admin -- mirror start` makes.
CREATE TABLE mirror_run (
  -- Always 1: there is one mirror.
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  -- Only a running mirror asks Waldur. A stopped one waits for an operator, a paused one was told to.
  state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'stopped')),
  -- Why it stands still or waits, in a word (src/mirror/problems.ts); empty when nothing is wrong.
  reason TEXT NOT NULL DEFAULT '',
  -- The same in a sentence.
  sentence TEXT NOT NULL DEFAULT '',
  -- The base URL of the Waldur that all windows are about; empty before the first answer.
  upstream TEXT NOT NULL DEFAULT '',
  -- Grows each time that everything learnt about the upstream is forgotten.
  incarnation INTEGER NOT NULL DEFAULT 1,
  -- When the mirror was started, milliseconds since 1970.
  started_at INTEGER NOT NULL,
  -- Where the history begins, seconds since 1970; null before it is known.
  history_from INTEGER,
  -- Up to where the history is divided into windows, seconds since 1970; null before it is known.
  cursor INTEGER,
  -- Up to when new events were read, seconds since 1970.
  tail_through INTEGER NOT NULL DEFAULT 0,
  -- Events that Waldur had when the mirror started.
  total INTEGER NOT NULL DEFAULT 0,
  -- Seconds of the next window.
  width INTEGER NOT NULL DEFAULT 86400,
  -- The next page of a second that has more events than one slice can read; 1 for none.
  page INTEGER NOT NULL DEFAULT 1,
  -- Events read in windows.
  seen INTEGER NOT NULL DEFAULT 0,
  -- Requests made.
  requests INTEGER NOT NULL DEFAULT 0,
  -- Failures in a row.
  failures INTEGER NOT NULL DEFAULT 0,
  -- No request is made before this time, milliseconds since 1970.
  resume_at INTEGER NOT NULL DEFAULT 0,
  -- Milliseconds by which Waldur's clock is ahead of ours.
  skew INTEGER NOT NULL DEFAULT 0,
  -- What `mirror verify` has asked for, and how far it is: JSON (src/mirror/verify.ts).
  verification TEXT,
  -- Who works now; empty for nobody.
  lease TEXT NOT NULL DEFAULT '',
  -- Until when at most it works, milliseconds since 1970.
  lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A part of the history: the events with from_s <= created < to_s. Windows are contiguous.
CREATE TABLE mirror_windows (
  -- Its beginning, seconds since 1970.
  from_s INTEGER PRIMARY KEY,
  -- Its end, seconds since 1970.
  to_s INTEGER NOT NULL,
  -- read: its events are in the queue; equal: the digests of both sides agree; counted: too large for a digest, the counts
  -- agree; unequal: the sides differ; failed: Waldur's answers could not be used.
  state TEXT NOT NULL CHECK (state IN ('read', 'equal', 'counted', 'unequal', 'failed')),
  -- Events of Waldur, when they were last counted.
  theirs INTEGER NOT NULL,
  -- Events of this server, when they were last counted.
  ours INTEGER NOT NULL DEFAULT 0,
  -- The digest of Waldur's events, 64 hex digits; empty when the window is too large for one.
  digest TEXT NOT NULL DEFAULT '',
  -- Requests that it has cost.
  requests INTEGER NOT NULL DEFAULT 0,
  -- Comparisons in a row that did not agree.
  tries INTEGER NOT NULL DEFAULT 0,
  -- Comparisons after the first one that are done: after a day, 7 days, 30 days.
  rounds INTEGER NOT NULL DEFAULT 0,
  -- When it was read first, milliseconds since 1970.
  read_at INTEGER NOT NULL,
  -- When it is to be compared next, milliseconds since 1970; null when it is done.
  next_at INTEGER,
  -- What is wrong with it; empty when nothing is.
  sentence TEXT NOT NULL DEFAULT ''
) STRICT;
-- The windows that are to be compared.
CREATE INDEX mirror_windows_due ON mirror_windows (next_at) WHERE next_at IS NOT NULL;
-- The windows that end what is verified.
CREATE INDEX mirror_windows_open ON mirror_windows (from_s) WHERE state <> 'equal';

-- Events in which the two sides differ, for an operator; nothing is ever deleted because of them.
CREATE TABLE mirror_differences (
  -- 32 hex digits.
  uuid TEXT PRIMARY KEY,
  -- missing: only Waldur has it; extra: only this server has it; altered: their contents differ; refused: it breaks a rule of
  -- the ingest.
  kind TEXT NOT NULL CHECK (kind IN ('missing', 'extra', 'altered', 'refused')),
  -- When it happened, microseconds since 1970.
  created INTEGER NOT NULL,
  -- When it was found, milliseconds since 1970.
  seen_at INTEGER NOT NULL,
  -- Why it was refused; empty for the others.
  detail TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
