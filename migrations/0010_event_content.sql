-- content: digest of what the event says (src/ingest/identity.ts), as 32 hex digits. NULL when uuid is that digest
-- itself, which is so for events that came without an id (and unknown for rows older than this column).
ALTER TABLE events ADD COLUMN content TEXT;
