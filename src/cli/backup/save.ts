import { changeEntry, eventEntry, type LogEntry } from "../../events/backup/entry.ts";
import { backupState, entriesAfter, type PartSize } from "../../events/backup/read.ts";
import { utf8 } from "../../values/bytes.ts";
import { Failure } from "../failure.ts";
import type { Data, Row } from "./data.ts";
import {
  type EndLine,
  FORMAT,
  type Header,
  isEntry,
  type Line,
  type Manifest,
  parseLine,
  type RowLine,
} from "./format.ts";
import { completeLines } from "./lines.ts";
import { Parts } from "./parts.ts";
import type { BackupStore, Bodies, NewDigest } from "./store.ts";
import { DEAD_LETTERS, type KeptTable, nameOf, OTHER_TABLES, partRows, rowsAfter } from "./tables.ts";

/** A part ends with the line that reaches so many bytes. Of what a run that ends too early has done, less than a part is lost. */
export const PART_BYTES = 4_194_304;

/** What a backup is made of, and where it goes. */
export interface Backup {
  data: Data;
  store: BackupStore;
  bodies: Bodies;
  newDigest: NewDigest;
  /** The time, as ISO 8601. */
  now: () => string;
  /** Told after each part: how many entries are in the backup, and the number of the last one of the log. */
  progress?: (entry: number, end: number) => void;
  /** Bytes of a part of the backup. */
  partBytes?: number;
  /** What is read at once. */
  partSize?: PartSize;
}

interface State {
  end: number;
  incarnation: number;
  last_change: number;
  dense_from: number;
  complete_through: number;
}

/**
 * Writes a backup, or the rest of one that was begun: its manifest comes last. The log may be written to meanwhile. Throws a
 * Failure when the store has a complete backup, or the beginning of one of another log.
 */
export async function backUp(backup: Backup): Promise<Manifest> {
  const { data, store, now } = backup;
  if ((await store.readManifest()) !== undefined) {
    throw new Failure(`${store.name} is a complete backup. Give another name, or delete it.`);
  }
  const [[state] = []] = await data.read([backupState]);
  const header: Header = { op: "backup", format: FORMAT, schema: data.schema, incarnation: Number(state?.incarnation) };
  const writer = await Writer.open(backup, header);
  // Whatever was answered with 202 before this time is in the log that is read next, or in the dead letters after it.
  const { complete_through } = await copyLog(backup, header, writer);
  await copyRows(backup, DEAD_LETTERS, writer);
  const { end, last_change, dense_from } = await copyLog(backup, header, writer);
  for (const kept of OTHER_TABLES) await copyRows(backup, kept, writer);
  const last: EndLine = { op: "end", last: end, last_change, dense_from, complete_through };
  await writer.write(last);
  const manifest = await writer.close(data.schema, now());
  await store.writeManifest(`${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Writes the entries that the backup lacks. Returns the state of the log when none was left. */
async function copyLog({ data, progress, partSize }: Backup, header: Header, writer: Writer): Promise<State> {
  for (let after = writer.last; ; ) {
    const { state, entries, upto } = partOf(await data.read(entriesAfter(after, partSize)));
    if (state.incarnation !== header.incarnation) throw anotherLog(writer.name);
    for (const entry of entries) await writer.write(entry);
    progress?.(upto, state.end);
    if (upto >= state.end) return state;
    after = upto;
  }
}

/** The entries of a part in their order, up to the last one before which none was left out. */
function partOf(results: readonly Row[][]): { state: State; entries: LogEntry[]; upto: number } {
  const [[row] = [], events = [], changes = []] = results;
  const number = (name: string) => Number(row?.[name]);
  const state = {
    ...{ end: number("end"), incarnation: number("incarnation"), last_change: number("last_change") },
    ...{ dense_from: number("dense_from"), complete_through: number("complete_through") },
  };
  const reached = (rows: readonly Row[], newest: number) => {
    const last = Number(rows.at(-1)?.id ?? newest);
    return last >= newest ? state.end : last;
  };
  const upto = Math.min(reached(events, number("newest_event")), reached(changes, number("newest_change")));
  const entries: LogEntry[] = [...events.map(eventEntry), ...changes.map(changeEntry)];
  const wanted = entries.filter(({ seq }) => seq <= upto).sort((a, b) => a.seq - b.seq);
  return { state, entries: wanted, upto };
}

async function copyRows({ data, bodies }: Backup, kept: KeptTable, writer: Writer): Promise<void> {
  for (let last: Row | undefined; ; ) {
    const [rows = []] = await data.read([rowsAfter(kept, last)]);
    for (const row of rows) await writer.write(await rowLine(kept, row, bodies));
    if (rows.length < partRows(kept)) return;
    last = rows.at(-1);
  }
}

/** Of a dead letter with its body, wherever that is; of a producer without the keys that are secrets themselves. */
async function rowLine(kept: KeptTable, row: Row, bodies: Bodies): Promise<RowLine> {
  const line: RowLine = { op: "row", table: nameOf(kept), row: { ...row } };
  if (line.table === "producers" && row.auth !== "secret") line.row.secrets = "[]";
  if (kept !== DEAD_LETTERS || row.body !== null) return line;
  const body = await bodies.get(String(row.id));
  return body === undefined ? line : { ...line, row: { ...row, body }, isLarge: true };
}

const anotherLog = (name: string): Failure =>
  new Failure(`${name} has a part of another log: the database was restored since. Give another name, or delete it.`);

/** Writes lines into a store, a part at a time. */
class Writer {
  readonly #store: BackupStore;
  readonly #partBytes: number;
  readonly #parts: Parts;

  private constructor({ store, partBytes = PART_BYTES, newDigest }: Backup) {
    this.#store = store;
    this.#partBytes = partBytes;
    this.#parts = new Parts(newDigest);
  }

  /** Goes on after the last complete part of the log's entries that is there. Rows of tables are read again. */
  static async open(backup: Backup, header: Header): Promise<Writer> {
    const writer = new Writer(backup);
    await writer.#resume(header);
    const { bytes, parts } = writer.#parts.finished;
    await backup.store.cut(bytes, parts);
    if (parts === 0) await writer.write(header);
    return writer;
  }

  get name(): string {
    return this.#store.name;
  }

  /** The number of the newest entry. */
  get last(): number {
    return this.#parts.last;
  }

  async write(line: Line | LogEntry): Promise<void> {
    const bytes = utf8(`${JSON.stringify(line)}\n`);
    if (this.#parts.add(bytes, line as Line) >= this.#partBytes) await this.#append();
  }

  async close(schema: string, made: string): Promise<Manifest> {
    await this.#append();
    return this.#parts.manifest(schema, made);
  }

  async #append(): Promise<void> {
    const part = await this.#parts.end();
    if (part !== undefined) await this.#store.append(part.content);
  }

  /** What is there. Throws a Failure when it is no beginning of a backup: nothing else is overwritten. */
  async *#begun(): AsyncGenerator<Uint8Array> {
    let isFirst = true;
    for await (const piece of this.#store.read()) {
      const start = new TextDecoder().decode(piece.subarray(0, BEGINNING.length));
      if (isFirst && !BEGINNING.startsWith(start)) {
        throw new Failure(`${this.name} is there, and is no backup. Give another name, or delete it.`);
      }
      isFirst = false;
      yield piece;
    }
  }

  /** Takes over the complete parts, line by line. */
  async #resume(header: Header): Promise<void> {
    const decoder = new TextDecoder();
    let number = 0;
    let part: { bytes: Uint8Array; line: Line }[] = [];
    let length = 0;
    for await (const bytes of completeLines(this.#begun())) {
      number += 1;
      const line = parseLine(decoder.decode(bytes), number);
      if (number === 1 && !isSame(line, header)) throw anotherLog(this.name);
      if (line.op !== "backup" && !isEntry(line)) return;
      part.push({ bytes, line });
      length += bytes.length;
      if (length < this.#partBytes) continue;
      for (const { bytes, line } of part) this.#parts.add(bytes, line);
      await this.#parts.end();
      part = [];
      length = 0;
    }
  }
}

/** What a backup begins with. */
const BEGINNING = '{"op":"backup",';

/** A backup of an earlier schema is begun again, too: its lines may lack what later ones have. */
const isSame = (line: Line, { schema, incarnation }: Header): boolean =>
  line.op === "backup" && line.schema === schema && line.incarnation === incarnation;
