/** Names of wrangler.toml that the command line uses. test/wrangler.test.ts compares them with the file. */
export const DATABASE_BINDING = "DB";
export const DATABASE_NAME = "edge-events";
export const SPILL_BUCKET_NAME = "edge-events-spill";
export const CRON_LINES = ["* * * * *"];
