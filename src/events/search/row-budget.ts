import type { Meter } from "../../db/reader.ts";
import { ExpiringCache } from "../../http/cache.ts";
import { type HttpError, tooManyRequests } from "../../http/errors.ts";

/** Milliseconds. */
const PERIOD = 60_000;
const MS_PER_S = 1_000;
const MAX_CLIENTS = 10_000;

/** Rows a minute, where the variable SEARCH_ROWS_LIMIT does not say another number. */
const DEFAULT_LIMIT = 3_000_000;

const spentRows = new ExpiringCache<{ rows: number }>(MAX_CLIENTS);

/**
 * The rows that a client has read in this minute to count what nobody had counted before, or what nobody keeps. Each isolate
 * counts for itself, so a client may have the limit once for each.
 */
export class RowBudget {
  readonly #limit: number;
  readonly #now: number;
  readonly #spent: { rows: number };

  /** `client`: stands for the token. `now` in milliseconds. */
  constructor(client: string, limit: number | undefined, now: number) {
    const period = Math.floor(now / PERIOD);
    const key = `${client} ${period}`;
    this.#limit = limit ?? DEFAULT_LIMIT;
    this.#now = now;
    this.#spent = spentRows.get(key, PERIOD, now) ?? { rows: 0 };
    spentRows.set(key, this.#spent, now);
  }

  isSpent(): boolean {
    return this.#spent.rows >= this.#limit;
  }

  spend(rows: number): void {
    this.#spent.rows += rows;
  }

  /** Runs a read whose rows nobody keeps for the next request. Throws 429 when the client has spent its rows. */
  async pay<T>(meter: Readonly<Pick<Meter, "rowsRead">>, read: () => Promise<T>): Promise<T> {
    if (this.isSpent()) throw this.refusal();
    const before = meter.rowsRead;
    const result = await read();
    this.spend(meter.rowsRead - before);
    return result;
  }

  /** 429, until the next minute. */
  refusal(): HttpError {
    const seconds = Math.ceil((PERIOD - (this.#now % PERIOD)) / MS_PER_S);
    return tooManyRequests(this.#limit, seconds);
  }
}
