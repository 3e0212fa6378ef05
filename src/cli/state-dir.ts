import { existsSync } from "node:fs";
import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "./failure.ts";
import { lockFile } from "./lock.ts";
import { paths } from "./paths.ts";

const OWNER_ONLY = 0o700;
const BITS_OF_OTHERS = 0o077;

/** What wrangler's own command line kept in the state directory: the URLs of requests, with the secrets in them. */
const TRACE_STORE = "v3/observability";

/** The lock of the server that uses the state directory. */
const LOCK = "start.lock";

/**
 * Creates the directory of the local database, for its owner alone: the files below it have the mode 644. An existing one
 * is closed to other users when it is `own`. Any other one may be shared on purpose, so it stays as it is; the result is
 * then a warning. Throws a Failure when the directory cannot be used.
 */
export async function openStateDir(stateDir: string, own = paths.state): Promise<string | undefined> {
  try {
    await makeDirectory(stateDir);
    await rm(join(stateDir, TRACE_STORE), { recursive: true, force: true });
    if (stateDir === own) await chmod(stateDir, OWNER_ONLY);
    // Windows has no such bits.
    if (process.platform === "win32" || ((await stat(stateDir)).mode & BITS_OF_OTHERS) === 0) return undefined;
  } catch (error) {
    throw unusable(stateDir, error);
  }
  return `Other users of this machine may open the database in ${stateDir}. To close it: chmod 700 ${stateDir}`;
}

/** As `mkdir` with `recursive`, which does not return for a directory below /proc. */
async function makeDirectory(directory: string): Promise<void> {
  const parent = dirname(directory);
  if (existsSync(directory) || parent === directory) return;
  await makeDirectory(parent);
  await mkdir(directory, { mode: OWNER_ONLY });
}

/**
 * Keeps a second server out of the directory until the result is called, or until this process ends. Throws a Failure when
 * another server has it.
 */
export function lockStateDir(stateDir: string): () => void {
  const unlock = locked(stateDir);
  if (unlock !== undefined) return unlock;
  throw new Failure(
    `Another server uses the database in ${stateDir}. Stop it, or choose another directory with the variable STATE_DIR.`,
  );
}

function locked(stateDir: string): (() => void) | undefined {
  try {
    return lockFile(join(stateDir, LOCK));
  } catch (error) {
    throw unusable(stateDir, error);
  }
}

/** A Failure for an error of the system or of SQLite; any other error as it is. */
function unusable(stateDir: string, error: unknown): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  return new Failure(
    `The directory ${stateDir} cannot be used: ${error.message}. Choose another one with the variable STATE_DIR.`,
  );
}
