import type { SQL } from "drizzle-orm";
import {
  beginRestore,
  endRestore,
  forgetCounters,
  handOver,
  isRestoring,
  logIsEmpty,
  pendingEvents,
  restoreProgress,
} from "../../events/backup/restore.ts";
import { recountPart } from "../../events/counters/rebuild.ts";
import { utf8 } from "../../values/bytes.ts";
import { allParts } from "../counter-parts.ts";
import { Failure } from "../failure.ts";
import { checkedLines, manifestOf } from "./check.ts";
import type { Data, Row } from "./data.ts";
import type { EndLine, Line, Manifest } from "./format.ts";
import { type Slice, slicesOf } from "./slices.ts";
import type { BackupStore, Bodies, NewDigest } from "./store.ts";
import { usedTables } from "./tables.ts";

/** Slices in one transaction: 25 MB or so. A remote call takes seconds, and a local transaction waits for the disk. */
const SLICES_PER_CALL = 10;

/** Parts of the counters in one transaction. */
const PARTS_PER_CALL = 4;

/** What a restore is made of, and where it goes. */
export interface Restore {
  data: Data;
  store: BackupStore;
  bodies: Bodies;
  newDigest: NewDigest;
  /** Milliseconds since 1970: the new incarnation. */
  now: number;
  /** Slices in one transaction. */
  slicesPerCall?: number;
  /** Told what is done next, and how far it is: lines of the backup, or parts of the counters. */
  progress?: (step: "check" | "write" | "count", done: number, all: number) => void;
}

/** What a restore has come to. */
export interface Restored {
  manifest: Manifest;
  end: EndLine;
  /** Whether an earlier run had written a part. */
  wasResumed: boolean;
  /** Producers that sign, whose keys are not in the backup. */
  withoutKeys: string[];
}

/**
 * Restores a complete backup into an empty database, or goes on with a restore that was begun. Throws a Failure, before
 * anything is written, when the backup is not complete, was altered, or is of a later version, and when the database is not
 * empty.
 */
export async function restore(run: Restore): Promise<Restored> {
  const { data, store } = run;
  const manifest = await manifestOf(store);
  if (manifest.schema > data.schema) {
    throw new Failure(
      `The backup is of a later version (${manifest.schema}) than the database (${data.schema}): apply the migrations first.`,
    );
  }
  const written = await writtenLines(data, manifest);
  if (written === undefined) await assertEmpty(data);
  const { end, withoutKeys } = await checked(run, manifest);
  if (written === undefined) await data.write(beginRestore(manifest.sha256));
  await writeLines(run, manifest, written ?? 0);
  await count(run);
  await finish(run, manifest, end);
  return { manifest, end, withoutKeys, wasResumed: written !== undefined };
}

/** How many lines an unfinished restore has written; undefined without one. */
async function writtenLines(data: Data, { sha256 }: Manifest): Promise<number | undefined> {
  const [[row] = []] = await data.read([isRestoring]);
  if (row?.restoring !== 1) return undefined;
  const [[progress] = []] = await data.read([restoreProgress]);
  if (progress?.backup === sha256) return Number(progress.lines);
  throw new Failure(
    `The database has a part of another backup, whose SHA-256 is ${progress?.backup}. Restore that one, or use an empty database.`,
  );
}

async function assertEmpty(data: Data): Promise<void> {
  const [[log] = [], [tables = {}] = []] = await data.read([logIsEmpty, usedTables]);
  const used = Object.keys(tables).filter((table) => tables[table] === 1);
  const found = [...(log?.empty === 1 ? [] : ["the log"]), ...used];
  if (found.length === 0) return;
  throw new Failure(`The database is not empty: there are rows in ${found.join(", ")}. Restore into a new database.`);
}

/** Reads the whole backup, as nothing may be written of one that was cut or altered. */
async function checked({ store, newDigest, progress }: Restore, manifest: Manifest) {
  let end: EndLine | undefined;
  let lines = 0;
  const withoutKeys: string[] = [];
  for await (const line of checkedLines(store, manifest, newDigest)) {
    lines += 1;
    if (line.op === "end") end = line;
    if (line.op === "row" && line.table === "producers" && line.row.auth !== "secret") {
      withoutKeys.push(String(line.row.name));
    }
    progress?.("check", lines, manifest.lines);
  }
  if (end === undefined) throw new Failure("The backup was cut: it has no line that ends it.");
  return { end, withoutKeys };
}

/** Writes the lines after the first `written`. */
async function writeLines(run: Restore, manifest: Manifest, written: number): Promise<void> {
  const { data, progress, slicesPerCall = SLICES_PER_CALL } = run;
  let before = written;
  let statements: SQL[] = [];
  let slices = 0;
  for await (const slice of slicesOf(linesAfter(run, manifest, written))) {
    statements.push(...statementsOf(slice, before));
    before += slice.lines;
    slices += 1;
    if (slices < slicesPerCall) continue;
    await data.write(statements);
    progress?.("write", before, manifest.lines);
    statements = [];
    slices = 0;
  }
  if (statements.length > 0) await data.write(statements);
  progress?.("write", before, manifest.lines);
}

const statementsOf = ({ text, lines, statements }: Slice, before: number): SQL[] => [
  ...handOver(utf8(text), before, lines),
  ...statements,
];

async function* linesAfter(run: Restore, manifest: Manifest, written: number): AsyncGenerator<Line> {
  let number = 0;
  for await (const line of checkedLines(run.store, manifest, run.newDigest)) {
    number += 1;
    if (number > written) yield await restored(line, run.bodies);
  }
}

/** A dead letter that was on its way is sent again: it may not be in the queue any more. Large bodies go to the bucket. */
async function restored(line: Line, bodies: Bodies): Promise<Line> {
  if (line.op !== "row" || line.table !== "dead_letters") return line;
  const row: Row = { ...line.row, state: line.row.state === "sent" ? "replay" : (line.row.state ?? null) };
  if (!line.isLarge) return { ...line, row };
  await bodies.put(String(row.id), String(row.body));
  return { ...line, row: { ...row, body: null } };
}

/** Counts what is stored, from the beginning. */
async function count({ data, progress }: Restore): Promise<void> {
  const parts = await allParts(data.read);
  await data.write([forgetCounters]);
  for (let start = 0; start < parts.length; start += PARTS_PER_CALL) {
    await data.write(parts.slice(start, start + PARTS_PER_CALL).map(recountPart));
    progress?.("count", Math.min(start + PARTS_PER_CALL, parts.length), parts.length);
  }
}

async function finish({ data, now }: Restore, { log }: Manifest, end: EndLine): Promise<void> {
  const [[row] = []] = await data.read([pendingEvents]);
  if (row?.pending !== 0) throw new Failure(`The log of the backup contradicts itself for ${row?.pending} events.`);
  await data.write(endRestore({ ...end, incarnation: Math.max(log.incarnation + 1, now) }));
}
