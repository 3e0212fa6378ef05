import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { Failure } from "../failure.ts";

const NEWLINE = 0x0a;

/** Who reads the output has gone away, as `head` does. */
export class OutputClosed extends Error {}

/** stdout, and when what was written to it is safe: on disk for a file, in the hands of the system for anything else. */
export class Output {
  readonly #stream: NodeJS.WriteStream & { fd: number };
  readonly #isFile: boolean;
  #isChecked = false;

  constructor(stream = process.stdout) {
    this.#stream = stream;
    this.#isFile = isFile(stream.fd);
    // Each write has a callback; without a listener the error would end the process besides.
    stream.on("error", () => undefined);
  }

  /** Returns when all is written. Throws OutputClosed, or a Failure when the system refuses, for example a full disk. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#isFile) this.#append(bytes);
      else await this.#flushed(bytes);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EPIPE") throw new OutputClosed();
      throw new Failure(`The output cannot be written: ${error instanceof Error ? error.message : error}`);
    }
  }

  #append(bytes: Uint8Array): void {
    const { fd } = this.#stream;
    if (!this.#isChecked && hasHalfLine(fd)) writeAll(fd, new Uint8Array([NEWLINE]));
    this.#isChecked = true;
    writeAll(fd, bytes);
  }

  #flushed(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    return promise;
  }
}

/** Node's own stream for files takes a part that the disk had room for as the whole. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; ) start += writeSync(fd, bytes, start);
  fsyncSync(fd);
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** Whether a file ends in the middle of a line: a collector was killed there, and the next message must not follow it. */
function hasHalfLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  try {
    // The descriptor itself is open for writing only.
    const file = openSync(`/dev/fd/${fd}`, "r");
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, size - 1);
    closeSync(file);
    return last[0] !== NEWLINE;
  } catch {
    // An empty line does no harm.
    return true;
  }
}
