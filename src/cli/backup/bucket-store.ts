import type { ObjectBucket } from "../r2.ts";
import type { BackupStore } from "./store.ts";

/** Below this prefix of the bucket, each backup has an object for each part, and its manifest. */
const PREFIX = "backup/";

const PART_DIGITS = 6;

/** A backup in the bucket. */
export class BucketStore implements BackupStore {
  readonly name: string;
  readonly #bucket: ObjectBucket;
  readonly #prefix: string;
  #parts = 0;

  constructor(bucket: ObjectBucket, name: string) {
    this.name = `r2:${name}`;
    this.#bucket = bucket;
    this.#prefix = `${PREFIX}${name}/`;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (let part = 1; ; part++) {
      const bytes = await this.#bucket.get(this.#part(part));
      if (bytes === undefined) return;
      yield bytes;
    }
  }

  /** Deletes the first parts that are left out; later ones of the same name are written anew or not reached. */
  async cut(_bytes: number, parts: number): Promise<void> {
    this.#parts = parts;
    for (let part = parts + 1; (await this.#bucket.get(this.#part(part))) !== undefined; part++) {
      await this.#bucket.delete(this.#part(part));
    }
  }

  async append(part: Uint8Array): Promise<void> {
    this.#parts += 1;
    await this.#bucket.put(this.#part(this.#parts), part);
  }

  async readManifest(): Promise<string | undefined> {
    const bytes = await this.#bucket.get(`${this.#prefix}manifest.json`);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  async writeManifest(text: string): Promise<void> {
    await this.#bucket.put(`${this.#prefix}manifest.json`, new TextEncoder().encode(text));
  }

  #part(number: number): string {
    return `${this.#prefix}part-${String(number).padStart(PART_DIGITS, "0")}.ndjson`;
  }
}
