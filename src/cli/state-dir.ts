import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { paths } from "./paths.ts";

const OWNER_ONLY = 0o700;
const BITS_OF_OTHERS = 0o077;

/** What wrangler's own command line kept in the state directory: the URLs of requests, with the secrets in them. */
const TRACE_STORE = "v3/observability";

/**
 * Creates the directory of the local database, for its owner alone: the files below it have the mode 644. An existing one
 * is closed to other users when it is `own`. Any other one may be shared on purpose, so it stays as it is; the result is
 * then a warning.
 */
export async function openStateDir(stateDir: string, own = paths.state): Promise<string | undefined> {
  await mkdir(stateDir, { recursive: true, mode: OWNER_ONLY });
  await rm(join(stateDir, TRACE_STORE), { recursive: true, force: true });
  if (stateDir === own) await chmod(stateDir, OWNER_ONLY);
  // Windows has no such bits.
  if (process.platform === "win32" || ((await stat(stateDir)).mode & BITS_OF_OTHERS) === 0) return undefined;
  return `Other users of this machine may open the database in ${stateDir}. To close it: chmod 700 ${stateDir}`;
}
