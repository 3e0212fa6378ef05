/** Where a backup is kept: the bytes of its lines, in parts, and its manifest. */
export interface BackupStore {
  /** Names it for messages. */
  readonly name: string;
  /** All bytes that are there, in order, in pieces of any size. */
  read(): AsyncIterable<Uint8Array>;
  /** Forgets what comes after so many bytes in so many parts. */
  cut(bytes: number, parts: number): Promise<void>;
  /** Adds a part, after all others. It is there as a whole or not, or its beginning is. */
  append(part: Uint8Array): Promise<void>;
  /** Undefined while the backup is not complete. */
  readManifest(): Promise<string | undefined>;
  /** After this, the backup is complete. */
  writeManifest(text: string): Promise<void>;
}

/** Bodies of dead letters that are too large for a row. */
export interface Bodies {
  /** Undefined when there is none. */
  get(id: string): Promise<string | undefined>;
  put(id: string, body: string): Promise<void>;
}

/** SHA-256 of bytes that come one after the other. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** 64 hex digits, of all bytes. Not to be updated afterwards. */
  hex(): Promise<string>;
}

export type NewDigest = () => Digest;
