/** The names of the queues in wrangler.toml, for the Worker and for `npm run deploy`. */
export const INGEST_QUEUE_NAME = "edge-events-ingest";
export const DEAD_LETTER_QUEUE_NAME = "edge-events-dead-letters";
