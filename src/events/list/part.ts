import { EVER, type Range } from "../../values/periods.ts";
import type { Cursor } from "../page-token.ts";
import type { SeriesQuery } from "../query.ts";
import type { Slice } from "../row.ts";

/** A part of a list: `limit` events after the first `skip`, at the end, or next to another event. */
export type Part =
  | { from: "start"; skip: number; limit: number }
  | { from: "end"; limit: number }
  | { from: "cursor"; direction: Cursor["direction"]; beyond: Required<Slice>["beyond"]; limit: number };

/** The wanted part, with the columns of its rows. */
export type Wanted = Part & Pick<Slice, "columns">;

/** Events before the part, from the start. */
export const skipOf = (wanted: Part): number => (wanted.from === "start" ? wanted.skip : 0);

/** Hints serve first pages, newest first. Later events have higher ids, so a hint cannot miss them. */
export const isFirstPage = ({ oldestFirst }: SeriesQuery, wanted: Wanted): boolean =>
  !oldestFirst && wanted.from === "start" && wanted.skip === 0;

export const hintKey = ({ series, roles, types, range }: SeriesQuery, { limit }: Wanted): string =>
  [series, roles, types, range.from, range.to, limit].join(" ");

/** The rows of a part, from where the series begins or from its cursor. */
export function sliceOf({ range }: Pick<SeriesQuery, "range">, wanted: Wanted): Slice {
  const { columns, limit } = wanted;
  const backwards = wanted.from === "end" || (wanted.from === "cursor" && wanted.direction === "before");
  const beyond = wanted.from === "cursor" ? { beyond: wanted.beyond } : {};
  return { columns, backwards, range, offset: 0, limit, ...beyond };
}

/** The matches that the time range leaves out before a part that is found by counting; undefined when there are none. */
export function leftOut(query: SeriesQuery, wanted: Wanted): SeriesQuery | undefined {
  if (skipOf(wanted) === 0) return undefined;
  const { from, to } = query.range;
  const range: Range = query.oldestFirst ? { ...EVER, to: from } : { ...EVER, from: to };
  return range.from < range.to ? { ...query, range } : undefined;
}
