-- SQLite does not use an index on some states only for a query that names one of them.
DROP INDEX dead_letters_state;

-- Finds the few rows that the cron job has to send or delete, without those that stay for their receipts.
CREATE INDEX dead_letters_state ON dead_letters (state, last_seen);
