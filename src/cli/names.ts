/** Names of wrangler.toml that the command line uses. test/wrangler.test.ts compares them with the file. */
export const DATABASE_BINDING = "DB";
export const DATABASE_NAME = "edge-events";
/** Names the file of the local database, also where the ID of the deployed one is in wrangler.toml. */
export const LOCAL_DATABASE_ID = "DB";
export const SPILL_BUCKET_NAME = "edge-events-spill";
export const CRON_LINES = ["* * * * *"];
