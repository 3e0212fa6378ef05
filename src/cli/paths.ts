import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** Absolute paths, so that the commands work in any directory. */
export const paths = {
  root: ROOT,
  devVars: join(ROOT, ".dev.vars"),
  devServer: join(ROOT, "src/cli/dev-server.ts"),
  localWorker: join(ROOT, "src/local/worker.ts"),
  wranglerConfig: join(ROOT, "wrangler.toml"),
  // Not bin/wrangler.js, a wrapper that exits with 0 when wrangler is killed.
  wrangler: join(ROOT, "node_modules/wrangler/wrangler-dist/cli.js"),
  wranglerLogs: join(ROOT, ".wrangler/logs"),
  migrations: join(ROOT, "migrations"),
  sampleEvents: join(ROOT, "src/cli/sample-events.mjs"),
  state: join(ROOT, ".wrangler/state"),
};
