import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** The project's files the command line needs, absolute: it works from any directory. */
export const paths = {
  root: ROOT,
  devVars: join(ROOT, ".dev.vars"),
  // Not bin/wrangler.js, a wrapper that ends with 0 when this was killed.
  wrangler: join(ROOT, "node_modules/wrangler/wrangler-dist/cli.js"),
  wranglerLogs: join(ROOT, ".wrangler/logs"),
  sampleEvents: join(ROOT, "src/cli/sample-events.mjs"),
  state: join(ROOT, ".wrangler/state"),
};
