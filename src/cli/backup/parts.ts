import { FORMAT, isEntry, type Line, type Manifest, type Part } from "./format.ts";
import { joined } from "./lines.ts";
import type { Digest, NewDigest } from "./store.ts";

/** What a part has, besides its lines. */
export interface Finished extends Part {
  content: Uint8Array;
}

/** Divides lines into parts, and counts and digests what a manifest says of them. */
export class Parts {
  readonly #newDigest: NewDigest;
  readonly #whole: Digest;
  readonly #log: Digest;
  readonly #parts: Part[] = [];
  #lines: Uint8Array[] = [];
  #bytes = 0;
  readonly #rows: Record<string, number> = {};
  readonly #counted = { bytes: 0, lines: 0, events: 0, changes: 0 };
  #incarnation = 0;
  #first = 0;
  #last = 0;

  constructor(newDigest: NewDigest) {
    this.#newDigest = newDigest;
    this.#whole = newDigest();
    this.#log = newDigest();
  }

  /** Adds a line with its newline; returns the bytes of the part in hand. */
  add(bytes: Uint8Array, line: Line): number {
    this.#count(bytes, line);
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    return this.#bytes;
  }

  /** Ends the part in hand; undefined when it has no line. */
  async end(): Promise<Finished | undefined> {
    if (this.#lines.length === 0) return undefined;
    const content = joined(this.#lines);
    const digest = this.#newDigest();
    digest.update(content);
    this.#whole.update(content);
    const part = { bytes: content.length, lines: this.#lines.length, sha256: await digest.hex() };
    this.#parts.push(part);
    this.#lines = [];
    this.#bytes = 0;
    return { ...part, content };
  }

  /** The number of the newest entry, 0 without any. */
  get last(): number {
    return this.#last;
  }

  get lines(): number {
    return this.#counted.lines;
  }

  /** How much is in finished parts. */
  get finished(): { bytes: number; parts: number } {
    return { bytes: this.#parts.reduce((sum, { bytes }) => sum + bytes, 0), parts: this.#parts.length };
  }

  /** After the last part. `schema`: the newest migration; `made`: when the backup was complete. */
  async manifest(schema: string, made: string): Promise<Manifest> {
    const { events, changes, bytes, lines } = this.#counted;
    const log = {
      ...{ incarnation: this.#incarnation, first: this.#first, last: this.#last },
      ...{ entries: events + changes, events, changes, sha256: await this.#log.hex() },
    };
    const sha256 = await this.#whole.hex();
    return { format: FORMAT, schema, made, log, rows: this.#rows, bytes, lines, sha256, parts: this.#parts };
  }

  #count(bytes: Uint8Array, line: Line): void {
    this.#counted.bytes += bytes.length;
    this.#counted.lines += 1;
    if (line.op === "backup") this.#incarnation = line.incarnation;
    if (line.op === "row") this.#rows[line.table] = (this.#rows[line.table] ?? 0) + 1;
    if (!isEntry(line)) return;
    this.#log.update(bytes);
    this.#counted[line.op === "event" ? "events" : "changes"] += 1;
    this.#first ||= line.seq;
    this.#last = line.seq;
  }
}
