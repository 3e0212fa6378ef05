import { Failure } from "../failure.ts";
import { type EndLine, isEntry, type Line, type Manifest, parseLine, parseManifest } from "./format.ts";
import { completeLines } from "./lines.ts";
import { Parts } from "./parts.ts";
import type { BackupStore, NewDigest } from "./store.ts";
import { columnsOf, tableNamed } from "./tables.ts";

/** The manifest of a store. Throws a Failure when there is none, or it cannot be read. */
export async function manifestOf(store: BackupStore): Promise<Manifest> {
  const text = await store.readManifest();
  if (text === undefined) {
    throw new Failure(
      `${store.name} has no manifest: the backup is not complete. To complete it, run backup again with the same name.`,
    );
  }
  return parseManifest(text);
}

/**
 * The lines of a backup, each of which is checked, and at the end the whole. Throws a Failure with the first thing that is not
 * as the manifest says; what was read before is then not to be believed.
 */
export async function* checkedLines(
  store: BackupStore,
  manifest: Manifest,
  newDigest: NewDigest,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts = new Parts(newDigest);
  const order = new Order(manifest);
  for await (const bytes of completeLines(store.read())) {
    const line = parseLine(text(decoder, bytes), parts.lines + 1);
    order.check(line, parts.lines + 1);
    const { parts: number } = parts.finished;
    const expected = manifest.parts[number];
    if (parts.add(bytes, line) >= (expected?.bytes ?? 0)) await checkPart(parts, manifest);
    yield line;
  }
  await checkPart(parts, manifest);
  const found = await parts.manifest(manifest.schema, manifest.made);
  order.end();
  const differs = Object.keys(found).find((name) => !isEqual(found, manifest, name));
  if (differs !== undefined) throw new Failure(`The backup is not as its manifest says: "${differs}" differs.`);
}

function text(decoder: TextDecoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Failure("The backup is not UTF-8 text: it was altered.");
  }
}

const isEqual = (found: Manifest, manifest: Manifest, name: string): boolean =>
  canonical(found[name as keyof Manifest]) === canonical(manifest[name as keyof Manifest]);

/** JSON with the keys in the order of their names. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** Compares the part in hand with the manifest. */
async function checkPart(parts: Parts, { parts: expected, bytes }: Manifest): Promise<void> {
  const before = parts.finished;
  const part = await parts.end();
  const wanted = expected[before.parts];
  if (part?.sha256 === wanted?.sha256 && part?.bytes === wanted?.bytes) return;
  const there = before.bytes + (part?.bytes ?? 0);
  if (there < bytes && (part?.bytes ?? 0) < (wanted?.bytes ?? 0)) {
    throw new Failure(`The backup was cut: it has ${there} bytes of complete lines, and its manifest says ${bytes}.`);
  }
  throw new Failure(
    `The backup was altered: part ${before.parts + 1}, from byte ${before.bytes} on, is not what its manifest says.`,
  );
}

/** The order of lines: first a header, entries by their numbers, rows of known tables, and one end. */
class Order {
  readonly #manifest: Manifest;
  #seq = 0;
  #end: EndLine | undefined;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  check(line: Line, number: number): void {
    const problem = this.#problemOf(line, number);
    if (problem !== undefined) throw new Failure(`Line ${number} of the backup ${problem}.`);
    if (isEntry(line)) this.#seq = line.seq;
    if (line.op === "end") this.#end = line;
  }

  #problemOf(line: Line, number: number): string | undefined {
    if ((number === 1) !== (line.op === "backup")) return number === 1 ? "is not its header" : "is another header";
    if (line.op === "backup" && line.schema !== this.#manifest.schema) return "has another schema than its manifest";
    if (this.#end !== undefined) return "comes after its end";
    if (isEntry(line) && line.seq <= this.#seq) return "is an entry that is not in the order of the log";
    if (line.op === "row") return problemOfRow(line.table, Object.keys(line.row));
    return undefined;
  }

  end(): void {
    if (this.#end === undefined) throw new Failure("The backup was cut: it has no line that ends it.");
  }
}

function problemOfRow(table: string, columns: readonly string[]): string | undefined {
  const kept = tableNamed(table);
  if (kept === undefined) return "is of a table that this version does not know";
  const known = columnsOf(kept);
  return columns.every((column) => known.includes(column)) ? undefined : "has a column that this version does not know";
}
