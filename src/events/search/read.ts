import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../../db/client.ts";
import type { Reader, Row } from "../../db/reader.ts";
import { integer } from "../../db/sql.ts";
import { ChangedError } from "../log/snapshot.ts";
import type { SearchQuery } from "../query.ts";
import type { Version } from "../version.ts";
import { printUnfinished } from "./job-query.ts";
import { deleteOldest, keepWindow } from "./kept-totals.ts";
import { type Key, type Part, partsOf } from "./keys.ts";
import type { RowBudget } from "./row-budget.ts";
import {
  countedUpto,
  eventsWithTerm,
  isOneTerm,
  listedUpto,
  partsStatement,
  readPart,
  readState,
  type State,
  stateStatement,
} from "./state.ts";
import {
  bounds,
  comparesEvents,
  countStatement,
  LISTED_AT_ONCE,
  listStatement,
  readWindow,
  WINDOW_ROWS,
  type Window,
} from "./window.ts";

/** Rows that one request reads to count. What is left is counted by the next request, or by the cron job. */
const MAX_ROWS = 500_000;

/** Candidates of the first window for a client who has read too many rows. */
const ALWAYS_COUNTED = 200;

/** Matches that are looked up again for each request rather than kept: a row written costs as much as 1,000 rows read. */
const WORTH_KEEPING = { page: 500, count: 2_000, more: 500 };

/** Up to this many matches, those of a text of one to three letters are listed; of more, where a page needs it. */
const FEW_MATCHES = 2_000;

/** A search, and what reading it may cost. */
export interface Search {
  reader: Reader;
  query: SearchQuery;
  /** Names the search in search_totals: equal for both orders of its list. */
  key: string;
  /** Runs after the response. */
  later: (work: (db: Database) => Promise<unknown>) => void;
  /** The client's; none for the cron job. */
  budget?: RowBudget;
  /** Rows read to count, the most. */
  maxRows?: number;
}

/** What is known of the matches of a search. */
export interface Matches {
  total: number;
  /** Whether the total includes all events up to `uptoId`. */
  isExact: boolean;
  uptoId: number;
  epoch: number;
  version: Version;
  /** All matches; undefined when they were counted only. */
  parts: readonly Part[] | undefined;
}

/** How much is read: the number of the matches, or where they are, too; `must`: also when a page can be found without. */
export type Depth = "count" | "list" | "must list";

/**
 * Counts the matches that were not counted before, window by window, and keeps what each has found. `alongside` are
 * statements for the first round trip, whose rows are returned. Throws 429 when the client has spent its rows and the matches
 * were not counted before, and ChangedError when events were deleted in between (log/snapshot.ts).
 */
export async function readMatches(
  search: Search,
  depth: Depth,
  alongside: readonly SQL[] = [],
): Promise<{ matches: Matches; alongside: Row[][] }> {
  const { reader, query, key, budget } = search;
  const lists = depth !== "count" || comparesEvents(query);
  const limit = budget?.isSpent() ? ALWAYS_COUNTED : lists ? LISTED_AT_ONCE : WINDOW_ROWS;
  const statements = [stateStatement(query, key), firstWindow(search, depth, lists, limit)];
  const [[state] = [], [row] = [], kept = [], ...rest] = await reader.read([
    ...statements,
    lists ? partsStatement(key) : sql`SELECT 1 WHERE 0`,
    ...alongside,
  ]);
  const known = readState(state);
  const first = readWindow(row);
  const count = new Count(search, known, lists, lists ? kept.map(readPart) : []);
  if (known.indexed !== undefined && !isListedNow(known, depth))
    return { matches: count.indexed(known.indexed), alongside: rest };
  if (!lists && known.isListed && first.candidates >= WORTH_KEEPING.more)
    return readMatches(search, "must list", alongside);
  await count.add(first, limit);
  while (count.hasMore) {
    if (budget?.isSpent()) throw budget.refusal();
    await count.addNext();
  }
  count.keepRest(depth === "count" ? WORTH_KEEPING.count : WORTH_KEEPING.page);
  return { matches: count.matches(), alongside: rest };
}

/** Whether the matches of a text of one to three letters are listed with the first round trip. */
const isListedNow = ({ isListed, indexed = 0 }: State, depth: Depth): boolean =>
  depth === "must list" || (depth === "list" && (isListed || indexed <= FEW_MATCHES));

function firstWindow({ query, key }: Search, depth: Depth, lists: boolean, limit: number): SQL {
  if (!isOneTerm(query) || depth === "must list") {
    const window = { after: lists ? listedUpto(key) : countedUpto(key), limit: integer(limit) };
    return lists ? listStatement(query, window) : countStatement(query, window);
  }
  if (depth === "count") return sql`SELECT 0 AS candidates`;
  const isWanted = sql`${listedUpto(key)} > 0 OR ${eventsWithTerm(query)} <= ${integer(FEW_MATCHES)}`;
  return listStatement(query, { after: listedUpto(key), limit: sql`iif(${isWanted}, ${integer(limit)}, 0)` });
}

/** A count in progress. */
class Count {
  readonly #search: Search;
  readonly #state: State;
  readonly #lists: boolean;
  readonly #parts: Part[];
  readonly #keepsMore: boolean;
  #total: number;
  /** Counted up to this id; what is kept ends at `#keptUpto`. */
  #uptoId: number;
  #keptUpto: number;
  #unkept: Key[] = [];
  /** Candidates of this request, and rows that they took. */
  #candidates = 0;
  #rows = 0;
  #isDone = false;

  constructor(search: Search, state: State, lists: boolean, kept: Part[]) {
    const isKnown = state.isListed || !lists;
    this.#search = search;
    this.#state = state;
    this.#lists = lists;
    this.#parts = kept;
    this.#keepsMore = lists || !state.isListed;
    this.#total = isKnown ? state.n : 0;
    this.#uptoId = isKnown ? state.uptoId : 0;
    this.#keptUpto = this.#uptoId;
  }

  get hasMore(): boolean {
    return !this.#isDone && this.#rows < (this.#search.maxRows ?? MAX_ROWS);
  }

  /** Adds a window of at most `limit` candidates, and keeps it when it is full. */
  async add(window: Window, limit: number): Promise<void> {
    const rows = window.candidates * (this.#lists ? 2 : 1);
    this.#isDone = window.candidates < limit;
    this.#total += window.n;
    this.#uptoId = this.#isDone ? Math.max(this.#uptoId, this.#state.newest) : window.lastId;
    this.#candidates += window.candidates;
    this.#rows += rows;
    this.#unkept.push(...window.keys);
    this.#search.budget?.spend(rows);
    if (!this.#isDone && limit > ALWAYS_COUNTED) this.#keep(!this.hasMore);
  }

  async addNext(): Promise<void> {
    const { reader, query } = this.#search;
    const limit = this.#lists ? LISTED_AT_ONCE : WINDOW_ROWS;
    const statement = this.#lists ? listStatement : countStatement;
    const [[row] = []] = await reader.read([statement(query, bounds(this.#uptoId, this.#state.newest, limit))]);
    const window = readWindow(row);
    if (window.epoch !== this.#state.epoch) throw new ChangedError();
    await this.add(window, limit);
  }

  /** Keeps the last window, if that is cheaper than to count it again, or the cron job would count it again and again. */
  keepRest(worth: number): void {
    const isMore = this.#keptUpto > 0 && this.#candidates >= WORTH_KEEPING.more;
    const isWorth = isMore || this.#candidates >= worth || this.#state.isUnfinished;
    if (this.#isDone && isWorth) this.#keep(false);
    else this.#list();
  }

  matches(): Matches {
    const { epoch, newest, version } = this.#state;
    const isExact = this.#isDone;
    return {
      total: this.#total,
      isExact,
      uptoId: newest,
      epoch,
      version,
      parts: this.#lists && isExact ? this.#parts : undefined,
    };
  }

  /** The total that the index knows. */
  indexed(total: number): Matches {
    const { epoch, newest, version } = this.#state;
    return { total, isExact: true, uptoId: newest, epoch, version, parts: undefined };
  }

  #list(): readonly Part[] {
    const parts = partsOf(this.#unkept, this.#uptoId);
    this.#unkept = [];
    this.#parts.push(...parts);
    return parts;
  }

  #keep(isLast: boolean): void {
    const parts = this.#list();
    if (!this.#keepsMore) return;
    const { query, key, later } = this.#search;
    const counted = {
      epoch: this.#state.epoch,
      after: this.#keptUpto,
      uptoId: this.#uptoId,
      n: this.#total,
      parts: this.#lists ? parts : undefined,
      unfinished: isLast ? printUnfinished(query, this.#lists) : undefined,
    };
    this.#keptUpto = this.#uptoId;
    later(async (db) => {
      await keepWindow(db, key, counted);
      await deleteOldest(db);
    });
  }
}
