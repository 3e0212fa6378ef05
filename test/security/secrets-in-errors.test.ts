import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { reason } from "../../src/http/errors.ts";
import { DEAD_LETTER_QUEUE_NAME } from "../../src/ingest/queue/names.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { deliver } from "../support/batch.ts";
import { hook, push, queued } from "../support/ingest.ts";
import { aPerson } from "../support/people.ts";
import { aQueue, aRefusingQueue } from "../support/queue.ts";
import { hubSignature, standardWebhook } from "../support/sign.ts";
import { StandInWaldur } from "../support/waldur.ts";
import { get, request, runMinute } from "../support/world.ts";

/** Four letters that occur nowhere else. JSON errors quote ten characters, so the secret repeats them. */
const MARKER = "zq7x";
const SECRET = MARKER.repeat(8);
const BASE64 = btoa(SECRET);

const WORKING = {
  "a list": { waldur: [SECRET] },
  settings: { waldur: { secrets: [SECRET] } },
  "a key of Standard Webhooks": { waldur: { auth: "standard-webhooks", secrets: [`whsec_${btoa("key")}${SECRET}`] } },
  "a key of GitHub": { waldur: { auth: "github", secrets: [SECRET] } },
};

/** Every form with every error. */
const BROKEN = Object.entries(WORKING).flatMap(([form, value]): [string, string][] => {
  const { waldur } = value;
  const json = JSON.stringify(value);
  const withSecrets = (secrets: unknown) =>
    JSON.stringify({ waldur: Array.isArray(waldur) ? secrets : { ...waldur, secrets } });
  return [
    [`${form} that ends too soon`, json.slice(0, -1)],
    [`${form} without quotes`, json.replaceAll('"', "")],
    [`${form} with text after it`, `${json}${SECRET}`],
    [`${form} with a control character`, json.replace(MARKER, `${MARKER}\n`)],
    [`${form} whose secrets are a text`, withSecrets(SECRET)],
    [`${form} with a secret that is no text`, withSecrets([{ [SECRET]: SECRET }])],
    [`${form} with too many secrets`, withSecrets(Array.from({ length: 9 }, () => SECRET))],
    [`${form} with an empty secret`, withSecrets([SECRET, ""])],
    [`${form} in a list`, `[${json}]`],
    [`${form} as a text`, JSON.stringify(json)],
  ];
});
const ALSO_BROKEN: [string, string][] = [
  ["a secret alone", SECRET],
  ["nothing", ""],
  ["settings with an unknown authentication", JSON.stringify({ waldur: { auth: SECRET, secrets: [SECRET] } })],
  ["settings whose types are no list", JSON.stringify({ waldur: { secrets: [SECRET], types: SECRET } })],
  ["settings whose tolerance is a text", JSON.stringify({ waldur: { secrets: [SECRET], tolerance: SECRET } })],
  ["settings with a customer that is no UUID", JSON.stringify({ waldur: { secrets: [SECRET], customers: [SECRET] } })],
  ["a key that is no base64", JSON.stringify({ waldur: { auth: "standard-webhooks", secrets: [`whsec_${SECRET}?`] } })],
  ["an empty key", JSON.stringify({ waldur: { auth: "standard-webhooks", secrets: ["whsec_"] }, x: [SECRET] })],
];

/** The lines of the log, as they were written. */
let log: unknown[][];

beforeEach(() => {
  log = [];
  for (const level of ["log", "warn", "error", "info", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...line) => void log.push(line));
  }
});

/** All that a response shows. */
const shown = async (response: Response) =>
  JSON.stringify([response.status, [...response.headers], await response.text()]);

describe("a broken INGEST_SECRETS is a 500 and one log line, both without its secrets:", () => {
  it.each([...BROKEN, ...ALSO_BROKEN])("%s", async (_, INGEST_SECRETS) => {
    const body = JSON.stringify(hook());
    const post = (path: string, headers: Record<string, string> = {}) =>
      request(path, { method: "POST", body, headers }, { INGEST_SECRETS });
    const tries = [
      () => post("/ingest/waldur", { Authorization: `Bearer ${SECRET}` }),
      () => post(`/ingest/waldur/${SECRET}`),
      () => post("/ingest/stranger", { Authorization: `Bearer ${SECRET}` }),
      async () => post("/ingest/waldur", await hubSignature(SECRET, body)),
      async () => post("/ingest/waldur", await standardWebhook(BASE64, "msg_1", 1, body)),
      () => request(`/ingest/waldur/receipts/${SECRET}`, {}, { INGEST_SECRETS }),
    ];
    for (const [index, send] of tries.entries()) {
      const response = await send();
      const answer = await response.clone().json();
      expect(answer).toEqual({ detail: "Internal server error.", request_id: response.headers.get("X-Request-Id") });
      expect(response.status).toBe(500);
      expect(await shown(response)).not.toContain(MARKER);
      expect(log).toHaveLength(index + 1);
    }
    expect(JSON.stringify(log)).not.toContain(MARKER);
  });
});

it("a producer of the table with secrets that cannot be read is named, without them", async () => {
  const insert = "INSERT INTO producers (name, auth, secrets, created, updated) VALUES (?, ?, ?, 0, 0)";
  const rows: [string, string, string][] = [
    ["bad-hash", "secret", JSON.stringify([SECRET])],
    ["bad-key", "standard-webhooks", JSON.stringify([`${SECRET}?`])],
    ["bad-list", "github", JSON.stringify(SECRET)],
  ];
  for (const row of rows)
    await env.DB.prepare(insert)
      .bind(...row)
      .run();
  const answers = await Promise.all(
    rows.map(([name]) =>
      request(`/ingest/${name}`, { method: "POST", headers: { Authorization: `Bearer ${SECRET}` } }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  const everything = JSON.stringify([log, await Promise.all(answers.map(shown))]);
  for (const [name] of rows) expect(everything).toContain(name);
  expect(everything).not.toContain(MARKER);
});

describe("a variable with a secret where none belongs never reaches an answer or the log:", () => {
  it.each([SECRET, `https://${SECRET}:port`, `//user:${SECRET}@waldur.example.com`])("WALDUR_URL %#", async (url) => {
    const response = await get("/api/events/", "token", {}, { ...new StandInWaldur().bindings, WALDUR_URL: url });
    expect(response.status).toBe(500);
    expect(JSON.stringify(log)).toContain("WALDUR_URL is not a valid URL.");
    expect(JSON.stringify([log, await shown(response)])).not.toContain(MARKER);
  });

  it.each([`https://user:${SECRET}@waldur.example.com`, `ftp://${SECRET}`])("WALDUR_URL of a call %#", async (url) => {
    const WALDUR = { fetch: async ({ url }: Request) => Promise.reject(new TypeError(`Fetch failed: ${url}`)) };
    const changed = { AUTH: "waldur", WALDUR_URL: url, WALDUR: WALDUR as Pick<Fetcher, "fetch"> };
    const response = await get("/api/events/", "token", {}, changed);
    expect(response.status).toBe(503);
    expect(JSON.stringify(log)).toContain("waldur_unreachable");
    expect(JSON.stringify([log, await shown(response)])).not.toContain(MARKER);
  });

  const names = [
    "AUTH",
    "AUDIT",
    "CORS_ORIGINS",
    "INGEST_MAX_BACKLOG",
    "PAGE_TOKENS",
    "PRODUCER_CACHE_SECONDS",
    "PUBLIC_ORIGIN",
    "WALDUR_STALE",
    "TOKEN_LIMIT",
    "ADDRESS_LIMIT",
    "FAILURE_LIMIT",
    "SEARCH_ROWS_LIMIT",
  ] as const;
  it.each(names)("%s", async (name) => {
    const changed = { [name]: SECRET } as Partial<Env>;
    const { token } = await aPerson({ staff: true });
    const answers = [
      await get("/api/events/", token, {}, changed),
      await get("/api/events/", "wrong", {}, changed),
      await push(hook(), { changed }),
      await push("{", { changed }),
    ];
    expect(JSON.stringify([log, await Promise.all(answers.map(shown))])).not.toContain(MARKER);
  });
});

describe("when the database, the queue or the bucket fails", () => {
  const event = hook({ message: `Message ${SECRET}`, context: { customer_uuid: "c".repeat(32), note: SECRET } });

  it("no log line has the message, the context or a credential", async () => {
    const { token } = await aPerson({ staff: true });
    const bodies = await queued(event);
    const unreadable = [
      `${SECRET}`,
      `{"v":2,"${SECRET}":1}\n{"${SECRET}`,
      `${bodies.join()}${SECRET}`,
      { [SECRET]: 1 },
    ];
    const DB = aBrokenDatabase();
    const changed = [
      { DB },
      { SPILL: aRefusingBucket() },
      { INGEST_QUEUE: aRefusingQueue(), SPILL: aRefusingBucket() },
    ];
    for (const bindings of changed) {
      await push(event, { changed: bindings });
      await get(`/api/events/?message=${SECRET}`, token, {}, bindings);
      await get("/api/events/", SECRET, {}, bindings);
      for (const queue of [undefined, DEAD_LETTER_QUEUE_NAME]) {
        for (const attempts of [1, 50]) {
          const refusing = { ...bindings, INGEST_DEAD_LETTERS: aRefusingQueue() };
          await deliver([...bodies, ...unreadable], refusing, { queue, attempts });
          await deliver([...bodies, ...unreadable], bindings, { queue, attempts });
        }
      }
      await runMinute(bindings).catch((error) => log.push([String(error)]));
    }
    expect(log.length).toBeGreaterThan(20);
    expect(JSON.stringify(log)).not.toContain(MARKER);
  });

  it("a dead letter that cannot be kept leaves no trace of its text", async () => {
    const { queue, notes } = aQueue();
    await deliver([`${SECRET}{`], { INGEST_DEAD_LETTERS: queue }, { attempts: 50 });
    await deliver(notes, { DB: aBrokenDatabase(), SPILL: aRefusingBucket() }, { queue: DEAD_LETTER_QUEUE_NAME });
    expect(log.length).toBeGreaterThan(1);
    expect(JSON.stringify(log)).not.toContain(MARKER);
  });
});

describe("the text of an error", () => {
  const statements: [string, string, unknown[]][] = [
    ["UNIQUE", "INSERT INTO users (uuid, username) VALUES (?1, ?1), (?1, ?1)", [SECRET]],
    ["NOT NULL", "INSERT INTO users (uuid, username) VALUES (?1, NULL)", [SECRET]],
    ["CHECK", "INSERT INTO dead_letters SELECT ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1", [SECRET]],
    ["JSON", "SELECT * FROM json_each(?1)", [SECRET]],
    ["a type", "INSERT INTO events (id, created) VALUES (?1, ?1)", [SECRET]],
    ["a number", "SELECT abs(-9223372036854775807 - 1), ?1", [SECRET]],
  ];
  it.each(statements)("of D1 about %s has no value", async (_, statement, values) => {
    const error = await env.DB.prepare(statement)
      .bind(...values)
      .all()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain(MARKER);
  });

  it("of JSON, which quotes what was read, is left out of the log", () => {
    const thrown = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    const error = thrown(() => JSON.parse(`{"a":${SECRET}`));
    expect(String(error)).toContain(MARKER);
    expect(reason(error)).toEqual({ error: "SyntaxError", stack: expect.any(String) });
    expect(reason(new Error(`Failed query, params: ${SECRET}`, { cause: error })).error).toBe("SyntaxError");
  });
});

/** A database that fails every call. Drizzle wraps its errors in ones that quote the parameters of the statement. */
function aBrokenDatabase(): D1Database {
  const fail = async () => {
    await scheduler.wait(0);
    throw new Error("D1_ERROR: disk I/O error: SQLITE_IOERR", { cause: new Error("disk I/O error: SQLITE_IOERR") });
  };
  const statement: object = { bind: () => statement, all: fail, raw: fail, run: fail, first: fail };
  const broken = { prepare: () => statement, batch: fail, withSession: () => broken };
  return broken as unknown as D1Database;
}
