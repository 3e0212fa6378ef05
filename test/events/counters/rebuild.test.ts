import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { Reader } from "../../../src/db/reader.ts";
import {
  dayBounds,
  differences,
  newestId,
  objectParts,
  type Part,
  repairs,
  yearsOfLog,
} from "../../../src/events/counters/rebuild.ts";
import { FIRST_SECOND, LAST_SECOND } from "../../../src/values/time.ts";
import { bigLog, load } from "../../support/big-log.ts";
import { expectExactCounters } from "../../support/history.ts";
import { anEvent, recorded } from "../../support/world.ts";

const DAY = 86_400_000_000;
const T = Date.UTC(2025, 11, 30) * 1000;

const read = async (statement: ReturnType<typeof differences>) => (await new Reader(env.DB).read([statement]))[0] ?? [];

/** Every part of the log as it is now, of so many rows each. */
async function parts(size: number): Promise<Part[]> {
  const untils = (await read(dayBounds(-Infinity, 1_000, size))).map(
    ({ until }) => (until as number | null) ?? Infinity,
  );
  const days = untils.map((to, index): Part => ({ of: "days", from: untils[index - 1] ?? -Infinity, to }));
  const years = (await read(yearsOfLog)).map(({ year }): Part => ({ of: "quarters", year: String(year) }));
  const [newest] = await read(newestId);
  return [...days, ...years, ...objectParts(Number(newest?.id), size)];
}

async function wrong(size: number) {
  const found = [];
  for (const part of await parts(size)) found.push(...(await read(differences(part))));
  return found.map(({ series, period, kept, counted }) => [series, period, kept, counted]);
}

const customer = "ab".repeat(16);

/** Three events: one on each of two days of a year, and one of the next. */
const threeEvents = () =>
  recorded(...[T, T + DAY, T + 3 * DAY].map((created) => anEvent({ created, context: { customer_uuid: customer } })));

describe("verifying the counters", () => {
  it("finds nothing after any history of written and deleted events, whatever the size of a part", async () => {
    const event = fc.record({ day: fc.integer({ min: -40, max: 400 }), role: fc.constantFrom("customer", "user") });
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.array(event, { minLength: 1, maxLength: 20 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 30 }),
        async (steps, size) => {
          await env.DB.exec("DELETE FROM events");
          for (const step of steps) {
            if (typeof step === "number") await env.DB.exec(`DELETE FROM events WHERE id % 4 = ${step}`);
            else {
              const events = step.map(({ day, role }) =>
                anEvent({ created: T + day * DAY, context: { [`${role}_uuid`]: customer } }),
              );
              await recorded(...events);
            }
          }
          expect(await wrong(size)).toEqual([]);
        },
      ),
      { numRuns: 10, seed: 3, endOnFailure: true },
    );
  });

  it.each([
    ["a total that is wrong", "UPDATE counters SET n = n + 1 WHERE series = 'log' AND period = '2025-10'", "log"],
    [
      "a type that is wrong",
      "UPDATE counters SET codes = '{\"32\":1}' WHERE series = 'log/day' AND period = '2025-12-30'",
      "log/day",
    ],
    [
      "a detail that is no JSON",
      "UPDATE counters SET codes = '{' WHERE series = 'log/hour' AND period = '2025-12-30T00'",
      "log/hour",
    ],
    [
      "a day of an object that is wrong",
      `UPDATE counters SET days = '{}' WHERE series = '${customer}' AND period = '2025-10'`,
      customer,
    ],
    ["a counter that is missing", `DELETE FROM counters WHERE series = '${customer}' AND period = '2025-10'`, customer],
    [
      "a counter of nothing",
      "INSERT INTO counters SELECT 'log/hour', '1999-01-01T00', 1, 1, 1, '{}', NULL, 0",
      "log/hour",
    ],
    [
      "ids that leave an event out",
      "UPDATE counters SET last_id = 1 WHERE series = 'log' AND period = '2025-10'",
      "log",
    ],
  ])("finds %s, and a rebuild of its part repairs it", async (_what, corruption, series) => {
    await threeEvents();
    await env.DB.exec(corruption);

    expect(new Set((await wrong(2)).map(([series]) => series))).toContain(series);

    for (const part of await parts(2)) await runBatch(database(env.DB), repairs(part));
    expect(await wrong(2)).toEqual([]);
    await expectExactCounters();
  });

  it("tells how many events were counted, and how many there are", async () => {
    await threeEvents();
    await env.DB.exec(`UPDATE counters SET n = 7 WHERE series = '${customer}' AND period = '2025-10'`);

    expect(await wrong(100)).toEqual([[customer, "2025-10", 7, 2]]);
  });

  it("counts the first and the last days there are", async () => {
    const ends = [FIRST_SECOND, FIRST_SECOND + 86_400, LAST_SECOND - 86_400, LAST_SECOND];
    await recorded(...ends.map((second) => anEvent({ created: second * 1e6, context: { customer_uuid: customer } })));

    for (const size of [1, 2, 100]) expect(await wrong(size), String(size)).toEqual([]);
    await env.DB.exec("UPDATE counters SET n = 9 WHERE series = 'log/day' AND period IN ('9999-12-31', '0001-01-01')");
    expect(await wrong(1)).toEqual([
      ["log/day", "0001-01-01", 9, 1],
      ["log/day", "9999-12-31", 9, 1],
    ]);
    for (const part of await parts(1)) await runBatch(database(env.DB), repairs(part));
    expect(await wrong(1)).toEqual([]);
    await expectExactCounters();
  });

  it("does not mind what deletions leave at zero", async () => {
    await threeEvents();
    await env.DB.exec("DELETE FROM events");

    expect(await wrong(2)).toEqual([]);
  });
});

describe("rebuilding the counters", () => {
  it("is exact while events are written and deleted between its steps", async () => {
    const events = bigLog(900, 5);
    await load(events.slice(0, 500));
    await env.DB.exec("DELETE FROM counters WHERE series <> 'log/day' OR period > '2025-03'");

    const late = events.slice(500);
    const between = async () => {
      const batch = late.splice(0, 20);
      if (batch.length > 0) await recorded(...batch);
      await env.DB.exec("DELETE FROM events WHERE id = (SELECT min(id) FROM events)");
    };
    for (const kind of ["days", "quarters", "objects"]) {
      for (const part of (await parts(100)).filter(({ of }) => of === kind)) {
        await runBatch(database(env.DB), repairs(part));
        await between();
      }
    }

    expect(await wrong(100)).toEqual([]);
    await expectExactCounters();
  });

  it("writes what differs, nothing else, and begins a new epoch when something did", async () => {
    await threeEvents();
    const rebuild = async () => {
      let written = 0;
      for (const part of await parts(100)) {
        const results = await runBatch(database(env.DB), repairs(part));
        written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      }
      return { written, epoch: await env.DB.prepare("SELECT epoch FROM commit_watermark").first("epoch") };
    };

    expect(await rebuild()).toEqual({ written: 0, epoch: 0 });

    await env.DB.exec("UPDATE counters SET n = 7 WHERE series = 'log' AND period = '2025-10'");
    const deletedInsertedAndEpoch = 3;
    expect(await rebuild()).toEqual({ written: deletedInsertedAndEpoch, epoch: 1 });
  });
});

it("looking at a part of the log reads its own rows, not those of the rest", async () => {
  await load(bigLog(3_000, 5));
  const reader = new Reader(env.DB);
  const cost = async (to: number) => {
    const before = reader.meter.rowsRead;
    await reader.read([differences({ of: "days", from: -Infinity, to })]);
    return reader.meter.rowsRead - before;
  };

  const [[bound] = []] = await reader.read([dayBounds(-Infinity, 1, 200)]);

  expect(await cost(Number(bound?.until))).toBeLessThan((await cost(Infinity)) / 12);
});
