import type { SQL } from "drizzle-orm";
import { handedEntry } from "../../events/backup/entry.ts";
import { writeEntries } from "../../events/backup/restore.ts";
import { byteLength } from "../../values/bytes.ts";
import { isEntry, type Line } from "./format.ts";
import { insertRows, tableNamed } from "./tables.ts";

/** Lines that are restored in one transaction. */
export interface Slice {
  /** How many lines of the backup it has. */
  lines: number;
  /** Lists, as JSON text. */
  text: string;
  /** What writes them. */
  statements: readonly SQL[];
}

/** Bytes of a slice, unless it has one line only: D1 takes 2,000,000 in a value. The largest event has less than 1,700,000. */
const MAX_BYTES = 1_200_000;

/** Rows of a list, as JSON. */
type Rows = [list: string, row: string][];

/** Divides lines into slices. Each has lines of the log only, or of one table. */
export async function* slicesOf(lines: AsyncIterable<Line>): AsyncGenerator<Slice> {
  let slice = new OpenSlice();
  for await (const line of lines) {
    const rows = rowsOf(line);
    const bytes = rows.reduce((sum, [, row]) => sum + byteLength(row) + 1, 0);
    if (!slice.takes(line, bytes)) {
      yield slice.closed();
      slice = new OpenSlice();
    }
    slice.add(line, rows, bytes);
  }
  yield slice.closed();
}

class OpenSlice {
  #lines = 0;
  #bytes = 0;
  /** "log", or the name of a table. */
  #kind: string | undefined;
  #columns: readonly string[] = [];
  readonly #lists: Record<string, string[]> = {};
  readonly #touched = new Set<string>();

  /** Whether a line may be in the slice: it has room, and nothing that the line changes is changed in it already. */
  takes(line: Line, bytes: number): boolean {
    const kind = kindOf(line);
    if (kind === undefined || this.#kind === undefined) return true;
    if (kind !== this.#kind || this.#bytes + bytes > MAX_BYTES || this.#touched.has(EVERYTHING)) return false;
    if (line.op === "row") return String(Object.keys(line.row)) === String(this.#columns);
    return !touchedBy(line).some((name) => name === EVERYTHING || this.#touched.has(name));
  }

  add(line: Line, rows: Rows, bytes: number): void {
    this.#lines += 1;
    this.#bytes += bytes;
    this.#kind ??= kindOf(line);
    if (line.op === "row") this.#columns = Object.keys(line.row);
    for (const name of touchedBy(line)) this.#touched.add(name);
    for (const [list, row] of rows) {
      this.#lists[list] ??= [];
      this.#lists[list].push(row);
    }
  }

  closed(): Slice {
    const lists = Object.entries(this.#lists).map(([name, rows]) => `"${name}":[${rows.join(",")}]`);
    return { lines: this.#lines, text: `{${lists.join(",")}}`, statements: this.#statements() };
  }

  #statements(): readonly SQL[] {
    const kept = this.#kind === undefined ? undefined : tableNamed(this.#kind);
    if (kept !== undefined) return [insertRows(kept, this.#columns)];
    return this.#kind === undefined ? [] : writeEntries;
  }
}

function rowsOf(line: Line): Rows {
  if (line.op === "row") return [["rows", JSON.stringify(line.row)]];
  if (!isEntry(line)) return [];
  const lists = Object.entries(handedEntry(line));
  return lists.flatMap(([list, rows]) => rows.map((row): [string, string] => [list, JSON.stringify(row)]));
}

/** A deleted period has thousands of events, so it has a transaction of its own. */
const EVERYTHING = "everything";

/** What a line of the log changes: of two lines that change the same, the later one has to see what the earlier has done. */
function touchedBy(line: Line): string[] {
  if (line.op === "event") return [`uuid ${line.uuid}`];
  if (line.op === "identity" || line.op === "removed") return [`event ${line.event_id}`];
  return line.op === "period" ? [EVERYTHING] : [];
}

function kindOf(line: Line): string | undefined {
  if (line.op === "row") return line.table;
  return isEntry(line) ? "log" : undefined;
}
