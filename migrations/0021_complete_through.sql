-- Every event whose request was answered with 202 before this time is in the log or in dead_letters: microseconds since 1970,
-- 0 while it is unknown. src/ingest/watermark/README.md says how it is known. It is raised in the update that marks the end
-- of the log, so it costs no row.
ALTER TABLE commit_watermark ADD COLUMN complete_through INTEGER NOT NULL DEFAULT 0;
