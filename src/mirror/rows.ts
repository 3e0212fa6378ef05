import * as v from "valibot";
import { DIFFERENCES, RUN_STATES, WINDOW_STATES } from "./table.ts";

const number = v.number();
const runSchema = v.object({
  state: v.picklist(RUN_STATES),
  reason: v.string(),
  sentence: v.string(),
  upstream: v.string(),
  incarnation: number,
  started_at: number,
  history_from: v.nullable(number),
  cursor: v.nullable(number),
  tail_through: number,
  total: number,
  width: number,
  page: number,
  seen: number,
  requests: number,
  failures: number,
  resume_at: number,
  skew: number,
  verification: v.nullable(v.string()),
  lease_until: number,
});
const windowSchema = v.object({
  from_s: number,
  to_s: number,
  state: v.picklist(WINDOW_STATES),
  theirs: number,
  ours: number,
  digest: v.string(),
  requests: number,
  tries: number,
  rounds: number,
  read_at: number,
  next_at: v.nullable(number),
  sentence: v.string(),
});
const differenceSchema = v.object({
  uuid: v.string(),
  kind: v.picklist(DIFFERENCES),
  created: number,
  detail: v.string(),
});

/** The row of the run; its columns are described in migrations/0022_mirror.sql. */
export type Run = v.InferOutput<typeof runSchema>;
/** A row of a window. */
export type Window = v.InferOutput<typeof windowSchema>;
/** An event in which the two sides differ. `created` in microseconds. */
export type Difference = v.InferOutput<typeof differenceSchema>;

export const runOf = (row: unknown): Run | undefined => (row === undefined ? undefined : v.parse(runSchema, row));
export const windowOf = (row: unknown): Window => v.parse(windowSchema, row);
export const differenceOf = (row: unknown): Difference => v.parse(differenceSchema, row);
