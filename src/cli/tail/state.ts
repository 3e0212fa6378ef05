import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { lockFile } from "../lock.ts";
import { isOffset } from "./answer.ts";
import type { Source } from "./read.ts";

const OWNER_ONLY = 0o600;
const MAX_STATE_BYTES = 64 * 1024;
/** The file beside it cannot be made. */
const NO_LOCK = Symbol("no lock");

/** What a state file has. */
interface State {
  offset: string;
  url: string;
  /** The fingerprint of the filters: an offset is valid for them only. */
  filter: string;
}

/** Hexadecimal digits that are the same for the same filters in any order. */
export const fingerprint = (filters: Source["filters"]): string =>
  createHash("sha256")
    .update(JSON.stringify(filters.map(String).sort()))
    .digest("hex");

/** The file that remembers how far a collector has come. */
export class StateFile {
  readonly #path: string;
  readonly #url: string;
  readonly #filter: string;

  constructor(path: string, { url, filters }: Pick<Source, "url" | "filters">) {
    this.#path = resolve(path);
    this.#url = url;
    this.#filter = fingerprint(filters);
  }

  /** The offset in the file; undefined when there is no file. Throws a Failure for the file of another collector. */
  async load(): Promise<string | undefined> {
    const text = await this.#read();
    if (text === undefined) return undefined;
    const state = stateOf(text);
    if (state === undefined) throw this.#unusable("is no state of a collector, or it is broken");
    if (state.url !== this.#url) throw this.#unusable(`belongs to another URL, ${JSON.stringify(state.url)}`);
    if (state.filter !== this.#filter) throw this.#unusable("belongs to other filters");
    return state.offset;
  }

  /**
   * Keeps other collectors away from the file until this process ends, and finds out whether `save` will work, before anything
   * is printed. Throws a Failure.
   */
  async claim(): Promise<void> {
    const unlock = this.#locked();
    if (unlock === undefined) throw this.#unusable("is in use by another collector, which still runs");
    await this.#orFailure(async () => {
      await this.#written("");
      await rm(this.#temporary);
    });
    if (unlock === NO_LOCK) throw this.#unusable("cannot be locked");
  }

  /** Replaces the file, or leaves it as it is: never anything between, whenever the power fails. */
  async save(offset: string): Promise<void> {
    const state: State = { offset, url: this.#url, filter: this.#filter };
    await this.#orFailure(async () => {
      await this.#written(`${JSON.stringify(state)}\n`);
      await rename(this.#temporary, this.#path);
      await synced(dirname(this.#path));
    });
  }

  #locked(): (() => void) | typeof NO_LOCK | undefined {
    try {
      return lockFile(`${this.#path}.lock`);
    } catch {
      // SQLite does not say why; writing the file does.
      return NO_LOCK;
    }
  }

  /** In the folder of the file, because a file is not renamed from one disk to another. */
  get #temporary(): string {
    return `${this.#path}.new`;
  }

  async #written(text: string): Promise<void> {
    await rm(this.#temporary, { force: true });
    // "wx" follows no link that somebody else has put there.
    const file = await open(this.#temporary, "wx", OWNER_ONLY);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #read(): Promise<string | undefined> {
    try {
      if ((await stat(this.#path)).size > MAX_STATE_BYTES) return "";
      return await readFile(this.#path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw this.#failure("cannot be read", error);
    }
  }

  async #orFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw this.#failure("cannot be written", error);
    }
  }

  #failure(what: string, error: unknown): Failure {
    return new Failure(`The state file ${this.#path} ${what}: ${error instanceof Error ? error.message : error}`);
  }

  #unusable(what: string): Failure {
    return new Failure(
      `The state file ${this.#path} ${what}. Name another file with --state, or delete this one to begin again.`,
    );
  }
}

/** On disk, so that the new name survives a loss of power. Windows opens no folders. */
async function synced(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function stateOf(text: string): State | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is State {
  if (typeof value !== "object" || value === null) return false;
  const { offset, url, filter } = value as Record<string, unknown>;
  return typeof offset === "string" && isOffset(offset) && typeof url === "string" && typeof filter === "string";
}
