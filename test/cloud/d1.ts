import { utf8 } from "../../src/values/bytes.ts";
import { Connections } from "./connections.ts";
import { FULL_ERRORS } from "./d1-errors.ts";
import { Memory, sizeOf } from "./memory.ts";

/*
 * D1 with its limits for one invocation. Documented (https://developers.cloudflare.com/d1/platform/limits/): the numbers
 * below. The texts are those of SQLite and of the runtime.
 *
 * Assumed: each statement of a batch is one of the 1,000; a row is not larger than the value that it came in; seconds are
 * counted by SECONDS, which is slower than what others have measured, and what takes too long is written all the same.
 */

const MAX_PARAMETERS = 100;
const MAX_VALUE_BYTES = 2_000_000;
const MAX_STATEMENT_BYTES = 100_000;
const MAX_STATEMENTS = 1_000;
const MAX_RESULT_BYTES = 50_000_000;
const MAX_CALL_SECONDS = 30;

/** The time of a call, by the rows of its results and the bytes of its parameters, each of which may be a term. */
const SECONDS = { rowRead: 1e-5, rowWritten: 1e-4, parameterByte: 1e-6 };

/** What the test says of the database; each is asked at every call. */
export interface CloudDatabase {
  memory?: Memory;
  connections?: Connections;
  /** Whether it has its 10 GB: a statement that writes fails. */
  isFull?: () => boolean;
  /** The text of an error, before the call is run, or after it, so that its answer is lost. */
  failsBefore?: () => string | undefined;
  failsAfter?: () => string | undefined;
}

interface Command {
  real: D1PreparedStatement;
  sql: string;
  params: readonly unknown[];
  release: () => void;
}

type Prepares = Pick<D1Database, "prepare" | "batch">;

/** The database in the cloud, for one invocation. A binding of another wrapper may be given. */
export function cloudDatabase(binding: D1Database, given: CloudDatabase = {}): D1Database {
  const invocation = new Invocation(given);
  const calls = invocation.around(binding);
  const withSession: D1Database["withSession"] = (constraint) => {
    const session = binding.withSession(constraint);
    return passing(session, invocation.around(session));
  };
  return passing(binding, { ...calls, withSession });
}

/** The target, with other functions for some of its own. */
const passing = <T extends object>(target: T, others: object): T =>
  new Proxy(target, {
    get: (_, name) => {
      if (Object.hasOwn(others, name)) return Reflect.get(others, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

class Invocation {
  readonly #given: CloudDatabase;
  readonly #memory: Memory;
  readonly #connections: Connections;
  readonly #commands = new WeakMap<object, Command>();
  #statements = 0;

  constructor(given: CloudDatabase) {
    this.#given = given;
    this.#memory = given.memory ?? new Memory();
    this.#connections = given.connections ?? new Connections();
  }

  around(binding: Prepares) {
    return {
      prepare: (sql: string) => this.#statement(binding.prepare(sql), sql, []),
      batch: async (statements: D1PreparedStatement[]) => {
        const commands = statements.map((statement) => this.#commandOf(statement));
        return await this.#run(commands, () => binding.batch(commands.map(({ real }) => real)));
      },
    };
  }

  #statement(real: D1PreparedStatement, sql: string, params: readonly unknown[]): D1PreparedStatement {
    const texts = params.filter((value) => typeof value === "string");
    const release = this.#memory.hold(texts.reduce((sum, text) => sum + sizeOf(text), sizeOf(sql)));
    const command: Command = { real, sql, params, release };
    const bind: D1PreparedStatement["bind"] = (...values) => {
      release();
      return this.#statement(real.bind(...values), sql, values);
    };
    const running = ["all", "run", "raw", "first"].map((name) => [
      name,
      (...args: unknown[]) => this.#run([command], () => Reflect.get(real, name).apply(real, args)),
    ]);
    const statement = passing(real, { bind, ...Object.fromEntries(running) });
    this.#commands.set(statement, command);
    return statement;
  }

  #commandOf(statement: D1PreparedStatement): Command {
    const command = this.#commands.get(statement);
    if (command === undefined) throw new Error("The statement was prepared by another binding.");
    return command;
  }

  async #run<T>(commands: readonly Command[], run: () => Promise<T>): Promise<T> {
    const call = JSON.stringify(commands.map(({ sql, params }) => ({ sql, params })));
    let release = () => {};
    try {
      release = this.#memory.hold(sizeOf(call) + utf8(call).byteLength);
      this.#check(commands);
      fail(this.#given.failsBefore?.());
      if (this.#given.isFull?.() && commands.some(({ sql }) => isWrite(sql))) fail(FULL_ERRORS[0]);
      const result = await this.#connections.run(run);
      checkResult(result, commands);
      fail(this.#given.failsAfter?.());
      return result;
    } finally {
      release();
      for (const command of commands) command.release();
    }
  }

  #check(commands: readonly Command[]): void {
    this.#statements += commands.length;
    if (this.#statements > MAX_STATEMENTS) fail("Too many API requests by single Worker invocation.");
    for (const { sql, params } of commands) {
      if (params.length > MAX_PARAMETERS) fail("D1_ERROR: too many SQL variables: SQLITE_ERROR");
      if (utf8(sql).byteLength > MAX_STATEMENT_BYTES) fail("D1_ERROR: statement too long: SQLITE_TOOBIG");
      if (params.some(isTooLarge)) fail("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
    }
  }
}

function checkResult(result: unknown, commands: readonly Command[]): void {
  const size = JSON.stringify(result ?? null).length;
  if (size > MAX_RESULT_BYTES) fail("D1_ERROR: Query result is too large.");
  const results: unknown[] = Array.isArray(result) ? result : [result];
  const bytes = SECONDS.parameterByte * bytesOf(commands);
  const seconds = results.reduce<number>((sum, one) => sum + secondsOf(one), bytes);
  if (seconds > MAX_CALL_SECONDS) {
    fail("D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.");
  }
}

function secondsOf(result: unknown): number {
  const meta = (result as Partial<D1Result> | null)?.meta;
  return meta === undefined ? 0 : meta.rows_read * SECONDS.rowRead + meta.rows_written * SECONDS.rowWritten;
}

const bytesOf = (commands: readonly Command[]): number =>
  commands
    .flatMap(({ params }) => params)
    .reduce<number>((sum, value) => sum + (typeof value === "string" ? utf8(value).byteLength : 8), 0);

const isTooLarge = (value: unknown): boolean =>
  typeof value === "string" && value.length * 3 > MAX_VALUE_BYTES && utf8(value).byteLength > MAX_VALUE_BYTES;

const isWrite = (sql: string): boolean => /\b(?:INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/i.test(sql);

function fail(message: string | undefined): void {
  if (message !== undefined) throw new Error(message);
}
