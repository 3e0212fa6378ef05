import { and, type SQL, sql } from "drizzle-orm";
import { numberAt, type Row, textAt } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { EVER, overlap } from "../../values/periods.ts";
import { matches } from "../conditions.ts";
import { ChangedError, ofOneState, readEvents, readUnchanged } from "../log/snapshot.ts";
import { LOG, type SearchQuery } from "../query.ts";
import type { EventsRequest } from "../request.ts";
import { type EventRow, eventRow, rowsStatement, type Slice } from "../row.ts";
import { indexStatement } from "../search/by-index.ts";
import { inOrder, type Key, type Order, type Part, parseKeys } from "../search/keys.ts";
import { matchOf, verifyOf } from "../search/match.ts";
import { locate, pick, type Wanted as WantedKeys } from "../search/place.ts";
import { type Matches, readMatches } from "../search/read.ts";
import { isOneTerm, keysStatement } from "../search/state.ts";
import { bounds, idsDuring, listStatement, nearStatement, readWindow } from "../search/window.ts";
import {
  dropDenseSearch,
  isDenseSearch,
  keepDenseSearch,
  keepPart,
  keepSearchPage,
  keptPart,
  partName,
  searchPage,
} from "./hints.ts";
import { skipOf, sliceOf, type Wanted } from "./part.ts";
import { inListOrder, type Listed } from "./series.ts";
import { sliceStatement } from "./slice.ts";

/** Rows read ahead beside those of the page, because events do not arrive quite in the order of their times. */
const NEAR = 5;

/**
 * A page near the beginning is looked for along the log when it should be found within this many events, if matches are
 * spread evenly. A look-up takes as long as reading a hundred matches from the index, so walks are short.
 */
const SHORT_WALK = 200;
const WALK_FOR_EACH = 2;
/** It may be as many times further, before all matches are listed. */
const WALK_MARGIN = 3;
/** Matches from the beginning to the end of the page. */
const NEAR_BEGINNING = 300;
/** Fewer candidates than these are read for a page whose time is known. */
const FEW_NEAR = 2_000;

/** One page of a search and its total. The place of a page comes from the times and ids of all matches. */
export async function listSearch(request: EventsRequest, query: SearchQuery, wanted: Wanted): Promise<Listed> {
  const page = new SearchPage(request, query, wanted);
  const { matches, rows } = await ofOneState(() => page.read());
  const { total, isExact, version } = matches;
  return { total, isExact, version, rows: inListOrder(query.oldestFirst, rows) };
}

class SearchPage {
  readonly #request: EventsRequest;
  readonly #query: SearchQuery;
  readonly #wanted: Wanted;
  readonly #slice: Slice;
  /** Names this page of this search. */
  readonly #name: string;

  constructor(request: EventsRequest, query: SearchQuery, wanted: Wanted) {
    const { from, columns, limit, ...part } = wanted;
    this.#request = request;
    this.#query = query;
    this.#wanted = wanted;
    this.#slice = { ...sliceOf(query, wanted), offset: skipOf(wanted) };
    this.#name = `${request.digest} ${from} ${limit} ${JSON.stringify("beyond" in part ? request.params.getAll("page").at(-1) : part)}`;
  }

  async read(): Promise<{ matches: Matches; rows: EventRow[] }> {
    const isDense = this.#end <= NEAR_BEGINNING && isDenseSearch(this.#search.key);
    const { matches, alongside } = await readMatches(this.#search, "list", [
      isDense ? this.#walk(this.#longWalk) : this.#likely(),
      this.#placeOfCursor(),
    ]);
    const [near = [], [cursor] = []] = alongside;
    if (matches.parts !== undefined) return { matches, rows: await this.#listed(matches, cursor, near) };
    if (!matches.isExact) return { matches, rows: await this.#uncounted(matches) };
    const walked = isDense ? near : await this.#walkNear(matches);
    if (this.#isFull(walked, matches)) return { matches, rows: walked.map(eventRow) };
    const narrow = isDense ? undefined : await this.#narrow(matches, near);
    if (narrow !== undefined) return { matches, rows: narrow };
    const { matches: listed } = await readMatches(this.#search, "must list");
    if (listed.epoch !== matches.epoch) throw new ChangedError();
    return {
      matches: { ...listed, total: Math.max(matches.total, listed.total) },
      rows: await this.#listed(listed, cursor, []),
    };
  }

  get #search() {
    const { reader, searchKey, later, budget } = this.#request;
    return { reader, query: this.#query, key: searchKey, later, budget };
  }

  get #order(): Order {
    const { backwards } = this.#slice;
    return { descends: this.#query.oldestFirst === backwards, idsDescend: backwards };
  }

  get #end(): number {
    return this.#slice.offset + this.#slice.limit;
  }

  get #longWalk(): number {
    return WALK_MARGIN * Math.max(SHORT_WALK, WALK_FOR_EACH * this.#end);
  }

  /** The rows that the page had when it was asked for last, or those of the nearest ids. */
  #likely(): SQL {
    const { columns, backwards, limit, beyond } = this.#slice;
    const ids = searchPage(this.#name);
    if (ids !== undefined) return rowsStatement(columns, ids);
    const isNewest = this.#query.oldestFirst === backwards;
    const skipped = this.#slice.offset > NEAR || beyond !== undefined;
    return skipped
      ? sql`SELECT 1 WHERE 0`
      : nearStatement(this.#query, columns, { after: sql`0`, limit: sql`${limit + NEAR}` }, isNewest);
  }

  #placeOfCursor(): SQL {
    const { beyond } = this.#slice;
    return beyond === undefined ? sql`SELECT 1 WHERE 0` : sql`SELECT ${beyond.created} AS created, ${beyond.id} AS id`;
  }

  /** Rows along the log, with a look-up in the index for each event. */
  #walk(scan: number, upto?: number): SQL {
    const { range, oldestFirst } = this.#query;
    const log = { kind: "series" as const, series: LOG, roles: 0, types: undefined, range, oldestFirst };
    const verify = verifyOf(this.#query);
    const isFound = sql`EXISTS (SELECT 1 FROM event_index
      WHERE event_index MATCH ${matchOf(this.#query)} AND event_index.rowid = keys.id)`;
    const isMatch = verify && sql`EXISTS (SELECT 1 FROM events WHERE events.id = keys.id AND ${matches(verify)})`;
    return sliceStatement(log, {
      ...this.#slice,
      ...(upto === undefined ? {} : { upto }),
      scan,
      also: and(isFound, isMatch) ?? isFound,
    });
  }

  async #walkNear(matches: Matches): Promise<readonly Row[]> {
    const { total, uptoId } = matches;
    const expected = (this.#end * uptoId) / Math.max(1, total);
    const isNear = this.#end <= NEAR_BEGINNING && expected <= Math.max(SHORT_WALK, WALK_FOR_EACH * this.#end);
    if (!isOneTerm(this.#query) || !isNear) return [];
    const rows = await this.#eventsOn(matches, this.#walk(this.#longWalk, uptoId));
    if (this.#isFull(rows, { total })) keepDenseSearch(this.#search.key);
    return rows;
  }

  /** A page at either end of the list, from the matches as new (or as old) as the nearest by id, if these are few. */
  async #narrow(matches: Matches, near: readonly Row[]): Promise<EventRow[] | undefined> {
    const { offset, limit, columns, beyond } = this.#slice;
    const sorted = near.map(keyOf).sort(inOrder(this.#order));
    const edge = sorted[this.#end - 1];
    if (beyond !== undefined || edge === undefined) return undefined;
    const { from, to } = EVER;
    const part = this.#order.descends ? { from: edge.created, to } : { from, to: edge.created + 1 };
    const query = { ...this.#query, range: overlap(this.#query.range, part) };
    const [row] = await this.#readOn(matches, listStatement(query, bounds(0, matches.uptoId, FEW_NEAR)));
    const { candidates, keys } = readWindow(row);
    if (candidates >= FEW_NEAR) return undefined;
    const found = pick(keys, { order: this.#order, skip: offset, limit }, 0);
    return this.#isFull(found, matches) ? this.#rowsOf(matches, found, columns, near) : undefined;
  }

  /** Whether a walk has found all that the page has. After a cursor, nobody knows how many that are. */
  #isFull(rows: readonly unknown[], { total }: Pick<Matches, "total">): boolean {
    const { limit, offset } = this.#slice;
    return rows.length >= limit || (this.#wanted.from !== "cursor" && rows.length >= total - offset);
  }

  /** The rows of a page while not all matches are known: by a short walk, else by reading all matches. */
  async #uncounted(known: Matches): Promise<EventRow[]> {
    if (this.#end > NEAR_BEGINNING) return this.#wholeList(known);
    const rows = await this.#eventsOn(known, this.#walk(this.#longWalk, known.uptoId));
    return this.#isFull(rows, known) ? rows.map(eventRow) : this.#wholeList(known);
  }

  /** Reads two rows for every match. */
  async #wholeList(matches: Matches): Promise<EventRow[]> {
    const query = this.#query;
    const { min, max } = idsDuring(query.range);
    const ids = { min, max: sql`min(${max}, ${integer(matches.uptoId)})` };
    const all = { match: matchOf(query), verify: verifyOf(query), ids, range: query.range };
    const { budget, reader } = this.#request;
    const statement = indexStatement(query.oldestFirst, { ...this.#slice, ...all });
    return (await budget.pay(reader.meter, () => this.#eventsOn(matches, statement))).map(eventRow);
  }

  /** The rows of a page whose matches are all known. */
  async #listed(matches: Matches, cursor: Row | undefined, near: readonly Row[]): Promise<EventRow[]> {
    const after = cursor && keyOf(cursor);
    const { offset, limit, columns } = this.#slice;
    const wanted: WantedKeys = { order: this.#order, skip: offset, limit, after };
    const place = locate(matches.parts ?? [], wanted);
    const keys = await this.#keysOf(place.parts, matches);
    if (keys === undefined) return this.#wholeList(matches);
    const found = pick(keys, wanted, place.before);
    keepSearchPage(
      this.#name,
      found.map(({ id }) => id),
    );
    dropDenseSearch(this.#search.key);
    return this.#rowsOf(matches, found, columns, near);
  }

  async #rowsOf(matches: Matches, keys: readonly Key[], columns: SQL, near: readonly Row[]): Promise<EventRow[]> {
    const wanted = new Set(keys.map(({ id }) => id));
    const shown = near.filter((row) => wanted.has(numberAt(row, "id")));
    const found = new Map(shown.map((row) => [numberAt(row, "id"), row]));
    const missing = [...wanted].filter((id) => !found.has(id));
    const rest = missing.length === 0 ? [] : await this.#eventsOn(matches, rowsStatement(columns, missing), shown);
    for (const row of rest) found.set(numberAt(row, "id"), row);
    return keys.flatMap(({ id }) => {
      const row = found.get(id);
      return row === undefined ? [] : [eventRow(row)];
    });
  }

  /** The rows of a statement, on the state that the matches were found in. */
  async #readOn({ version }: Matches, statement: SQL): Promise<readonly Row[]> {
    const [rows = []] = await readUnchanged(this.#request.reader, version, [statement]);
    return rows;
  }

  /** Events, on the state that the matches were found in, and `earlier` ones were read in. */
  #eventsOn({ version }: Matches, statement: SQL, earlier?: readonly Row[]): Promise<readonly Row[]> {
    return readEvents(this.#request.reader, undefined, version, statement, earlier);
  }

  /** The matches of these parts; undefined when some were deleted since. */
  async #keysOf(parts: readonly Part[], matches: Matches): Promise<Key[] | undefined> {
    const key = this.#search.key;
    const known = parts.map((part) => keptPart(partName(key, matches, part), part));
    const unread = parts.filter((_, index) => known[index] === undefined);
    const rows = unread.length === 0 ? [] : await this.#readOn(matches, keysStatement(key, unread));
    if (rows.length < unread.length) return undefined;
    const read = new Map(rows.map((row) => [`${row.upto_id} ${row.part}`, parseKeys(textAt(row, "keys"))]));
    const keys = parts.map((part, index) => known[index] ?? read.get(`${part.uptoId} ${part.part}`) ?? []);
    for (const [index, part] of parts.entries()) keepPart(partName(key, matches, part), keys[index] ?? []);
    return keys.flat();
  }
}

const keyOf = (row: Row): Key => ({ created: numberAt(row, "created"), id: numberAt(row, "id") });
