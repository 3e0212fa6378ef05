import { DatabaseSync } from "node:sqlite";

/** SQLite's codes for a file that another process has locked. */
const LOCKED = new Set([5, 6]);

/** A lock that nobody refers to would be given back. */
const held = new Set<DatabaseSync>();

/**
 * Keeps other processes out until the result is called, or until this process ends, even by `kill -9`: the system then takes
 * back the lock, which is SQLite's on an empty database at `path`. Undefined when another process has it. Throws an error of
 * the system or of SQLite.
 */
export function lockFile(path: string): (() => void) | undefined {
  try {
    const lock = new DatabaseSync(path);
    // In memory, or a process that is killed would leave a journal beside it.
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    held.add(lock);
    return () => {
      held.delete(lock);
      lock.close();
    };
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
}

const isLocked = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && LOCKED.has(error.errcode);
