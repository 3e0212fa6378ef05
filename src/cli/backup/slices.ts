import type { SQL } from "drizzle-orm";
import { handedEntries, type LogEntry } from "../../events/backup/entry.ts";
import { writeEntries } from "../../events/backup/restore.ts";
import { isEntry, type Line, type RowLine } from "./format.ts";
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

/** Letters of a slice, and of one line more: below D1's 2,000,000 bytes a value even where each letter takes three. */
const MAX_LENGTH = 400_000;

type Lists = Record<string, string[]>;

/** Divides lines into slices. Each has lines of the log only, or of one table. */
export async function* slicesOf(lines: AsyncIterable<Line>): AsyncGenerator<Slice> {
  let slice = new OpenSlice();
  for await (const line of lines) {
    if (!slice.takes(line)) {
      yield slice.closed();
      slice = new OpenSlice();
    }
    slice.add(line);
  }
  yield slice.closed();
}

class OpenSlice {
  #lines = 0;
  #length = 0;
  /** "log", or the name of a table. */
  #kind: string | undefined;
  #columns: readonly string[] = [];
  readonly #lists: Lists = {};
  readonly #touched = new Set<string>();

  /** Whether a line may be in the slice: it has room, and nothing that the line changes is changed in it already. */
  takes(line: Line): boolean {
    const kind = kindOf(line);
    if (kind === undefined || this.#kind === undefined) return true;
    if (kind !== this.#kind || this.#length >= MAX_LENGTH || this.#touched.has(EVERYTHING)) return false;
    if (line.op === "row") return String(Object.keys(line.row)) === String(this.#columns);
    return !touchedBy(line).some((name) => name === EVERYTHING || this.#touched.has(name));
  }

  add(line: Line): void {
    this.#lines += 1;
    this.#kind ??= kindOf(line);
    if (line.op === "row") this.#addRow(line);
    else if (isEntry(line)) this.#addEntry(line);
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

  #addRow({ row }: RowLine): void {
    this.#columns = Object.keys(row);
    this.#push("rows", JSON.stringify(row));
  }

  #addEntry(entry: LogEntry): void {
    for (const name of touchedBy(entry)) this.#touched.add(name);
    for (const [list, rows] of Object.entries(handedEntries([entry]))) {
      for (const row of rows) this.#push(list, JSON.stringify(row));
    }
  }

  #push(list: string, row: string): void {
    this.#lists[list] ??= [];
    this.#lists[list].push(row);
    this.#length += row.length;
  }
}

/** A deleted period has thousands of events, so it has a transaction of its own. */
const EVERYTHING = "everything";

/** What a line of the log changes: of two lines that change the same, the later one has to see what the earlier has done. */
function touchedBy(line: Line | LogEntry): string[] {
  if (line.op === "event") return [`uuid ${line.uuid}`];
  if (line.op === "identity" || line.op === "removed") return [`event ${line.event_id}`];
  return line.op === "period" ? [EVERYTHING] : [];
}

function kindOf(line: Line): string | undefined {
  if (line.op === "row") return line.table;
  return isEntry(line) ? "log" : undefined;
}
