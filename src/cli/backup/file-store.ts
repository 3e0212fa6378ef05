import { createReadStream } from "node:fs";
import { access, open, readFile, rename, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import type { BackupStore } from "./store.ts";

/** For its owner alone: it has what everybody has done. */
const OWNER_ONLY = 0o600;

const PIECE_BYTES = 1_048_576;

/** A backup in a file, and its manifest in another beside it. */
export class FileStore implements BackupStore {
  readonly name: string;

  constructor(path: string) {
    this.name = path;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    if (!(await isThere(this.name))) return;
    for await (const piece of createReadStream(this.name, { highWaterMark: PIECE_BYTES })) yield piece;
  }

  async cut(bytes: number): Promise<void> {
    await this.#writing(async () => {
      const file = await open(this.name, "a", OWNER_ONLY);
      await file.close();
      await truncate(this.name, bytes);
    });
  }

  append(part: Uint8Array): Promise<void> {
    return this.#writing(() => written(this.name, "a", part));
  }

  async readManifest(): Promise<string | undefined> {
    return (await isThere(this.#manifest)) ? readFile(this.#manifest, "utf8") : undefined;
  }

  /** The name appears when the text is on disk. */
  writeManifest(text: string): Promise<void> {
    return this.#writing(async () => {
      await written(`${this.#manifest}.new`, "w", text);
      await rename(`${this.#manifest}.new`, this.#manifest);
    });
  }

  get #manifest(): string {
    return `${this.name}.manifest.json`;
  }

  async #writing(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure(`The backup cannot be written to ${dirname(this.name)}: ${reason}`);
    }
  }
}

/** Returns when the content is on disk. */
async function written(path: string, flags: "a" | "w", content: string | Uint8Array): Promise<void> {
  const file = await open(path, flags, OWNER_ONLY);
  try {
    await file.appendFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
