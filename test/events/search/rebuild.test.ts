import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { database, runBatch } from "../../../src/db/client.ts";
import { Reader } from "../../../src/db/reader.ts";
import { indexMissing, missing, termsOf } from "../../../src/events/search/rebuild.ts";
import { gramsOf, valueTerm } from "../../../src/events/search/terms.ts";
import { bigLog, CUSTOMERS, load } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, query, recorded } from "../../support/world.ts";

const LETTERS = [
  ..."\u0001\t\n\u001f \u007f\u0080\u00a0!\"#'()*,-.:;<=>@[\\]^_`{|}~AZ09ÕßİıḰ字本я😀",
  "\ue000",
  "\u2028",
];

const text = (maxLength: number) =>
  fc.array(fc.constantFrom(...LETTERS), { maxLength, size: "max" }).map((letters) => letters.join(""));

const read = async (statement: ReturnType<typeof missing>) => (await new Reader(env.DB).read([statement]))[0] ?? [];

/** Indexes events in parts of so many ids; how many were missing. */
async function indexEverything(size: number, newest = 1_000): Promise<number> {
  let found = 0;
  for (let after = 0; after < newest; after += size) {
    const [row] = await read(missing(after, after + size));
    found += Number(row?.missing);
    await runBatch(database(env.DB), indexMissing(after, after + size));
  }
  return found;
}

const epoch = () => env.DB.prepare("SELECT epoch FROM commit_watermark").first("epoch");

describe("the terms that SQL makes of an event", () => {
  it("are the grams of its message, its type and its values, as they are made when it is written", async () => {
    const one = fc.record({ folded: fc.oneof(text(12), text(450)), auth: text(70), pat: text(3), type: text(70) });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 20, size: "max" }), async (events) => {
        const rows = events.map(({ folded, auth, pat, type }, id) => [
          id,
          folded,
          JSON.stringify({ auth_method: auth, pat_uuid: pat }),
          type,
        ]);
        const chosen = sql`SELECT value->>0 AS id, 999 AS type, value->>3 AS type_name, value->>1 AS folded, 0 AS created,
            value->>2 AS context
          FROM json_each(${JSON.stringify(rows)})`;

        const found = await read(termsOf(chosen));

        const terms = new Map(found.map(({ id, terms }) => [id, String(terms).split(" ").sort()]));
        for (const [id, { folded, auth, pat, type }] of events.entries()) {
          const values = [valueTerm("auth", auth), valueTerm("pat", pat), valueTerm("name", type)];
          const expected = [...gramsOf(folded), ...values, "type:999"];
          expect(terms.get(id)).toEqual(expected.sort());
        }
      }),
      { numRuns: 30, seed: 1, endOnFailure: true },
    );
  });
});

describe("indexing again", () => {
  it("finds what was not in the index, by text, objects, types and values, and leaves alone what was", async () => {
    const { token } = await aPerson({ staff: true });
    const answers = async () => {
      const found = [];
      for (const filter of [
        { message: "õUN" },
        { message: "b\th" },
        { message: "volume 1" },
        { message: "ed", customer_uuid: CUSTOMERS[1] ?? "" },
        { message: "e", event_type: "token_created" },
        { auth_method: "pat" },
        { message: "o", related_user_uuid: "d1".repeat(16), o: "created" },
      ]) {
        const response = await get(`/api/events/${query(...Object.entries(filter))}`, token);
        found.push([response.headers.get("X-Result-Count"), await response.text()]);
      }
      return found;
    };
    await load(bigLog(600, 9));
    const before = await answers();
    await env.DB.exec("DELETE FROM event_index WHERE rowid <= 250 OR rowid IN (300, 301)");
    expect(await answers()).not.toEqual(before);

    expect(await indexEverything(100)).toBe(252);

    expect(await answers()).toEqual(before);
    expect(await indexEverything(100)).toBe(0);
  });

  it("begins a new epoch only when something was missing", async () => {
    await recorded(anEvent(), anEvent());
    await indexEverything(500);
    expect(await epoch()).toBe(0);

    await env.DB.exec("DELETE FROM event_index WHERE rowid = 1");
    await indexEverything(500);
    expect(await epoch()).toBe(1);
  });

  it("reads a very long message to its end", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: `${"a字 ".repeat(10_000)}end` }));
    await env.DB.exec("DELETE FROM event_index");

    expect(await indexEverything(500)).toBe(1);

    const response = await get(`/api/events/count/${query(["message", "字 END"])}`, token);
    expect(await response.json()).toEqual({ count: 1 });
  });
});
