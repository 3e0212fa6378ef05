/** Names of wrangler.toml that the command line passes to wrangler. test/wrangler.test.ts compares them. */
export const DATABASE_BINDING = "DB";
export const DATABASE_NAME = "edge-events";
export const SPILL_BUCKET_NAME = "edge-events-spill";
export const CRON_LINES = ["* * * * *"];
