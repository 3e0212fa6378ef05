import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, query, recorded, rowsRead } from "../../support/world.ts";

/** Capitals by hand; the server folds with String.toUpperCase. What has no single capital stays: ß, ı is I, K (Kelvin) is itself. */
const CAPITALS: Readonly<Record<string, string>> = { õ: "Õ", я: "Я", ı: "I", ω: "Ω", ǆ: "Ǆ" };
const ASCII = [..."abcdefghijklmnopqrstuvwxyz"];
const ASCII_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CONTROLS = Array.from({ length: 31 }, (_, code) => String.fromCharCode(code + 1));
const PUNCTUATION = [..." !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x7f"];
const OTHERS = [
  "ß",
  "İ",
  "\u212a",
  "\u0301",
  "\u0308",
  "字",
  "漢",
  "本",
  "😀",
  "👩🏽",
  "\ue000",
  "\u00a0",
  "\u2028",
  "1",
  "i",
  "I",
];
const WORDS = [" AND ", " OR ", "NOT ", "NEAR(", "a*", "^", '"a"', "\ue000@", "\ue000~", "type:1", "auth:"];

const folded = (text: string) =>
  [...text].map((letter) => CAPITALS[letter] ?? ASCII_CAPITALS[ASCII.indexOf(letter)] ?? letter).join("");

/** Texts of so many pieces, most of them single letters. */
const text = (minLength: number, maxLength: number) =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...Object.entries(CAPITALS).flat(), "a", "A", "k", "K") },
        { weight: 4, arbitrary: fc.constantFrom(...PUNCTUATION) },
        { weight: 2, arbitrary: fc.constantFrom(...CONTROLS) },
        { weight: 4, arbitrary: fc.constantFrom(...OTHERS) },
        { weight: 1, arbitrary: fc.constantFrom(...WORDS) },
      ),
      { minLength, maxLength, size: "max" },
    )
    .map((pieces) => pieces.join(""));

/** A piece of one of the messages, or another text. */
const asked = fc.record({
  of: fc.nat(),
  from: fc.nat(),
  length: fc.integer({ min: 1, max: 8 }),
  instead: fc.option(text(1, 4)),
});

/** What a search answers: its total and, in order, the messages of its first page. */
async function search(token: string, message: string) {
  const response = await get(`/api/events/${query(["message", message], ["page_size", "300"])}`, token);
  const total = Number(response.headers.get("X-Result-Count"));
  return { total, messages: (await response.json<{ message: string }[]>()).map(({ message }) => message) };
}

describe("a search for a text", () => {
  it("finds the messages that contain it, in any case, whatever its letters and its length", async () => {
    const { token } = await aPerson({ staff: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text(0, 30), { minLength: 25, maxLength: 25 }),
        fc.array(text(500, 600), { minLength: 2, maxLength: 2 }),
        fc.array(asked, { minLength: 25, maxLength: 25 }),
        async (short, long, questions) => {
          await env.DB.exec("DELETE FROM events");
          const written = [...short, ...long];
          await recorded(...written.map((message) => anEvent({ message })));
          const newestFirst = [...written].reverse();

          const pieces = questions.map(({ of, from, length, instead }) => {
            const letters = [...(written[of % written.length] ?? "")];
            const start = from % Math.max(1, letters.length);
            return instead ?? letters.slice(start, start + length).join("");
          });
          const longPieces = long.flatMap((message) => [
            [...message].slice(7, 57).join(""),
            [...message].slice(0, 500).join(""),
          ]);
          for (const piece of [...pieces, ...longPieces]) {
            // A parameter is trimmed; nothing at all asks for everything.
            const wanted = piece.trim();
            const expected = newestFirst.filter((message) => folded(message).includes(folded(wanted)));

            expect(await search(token, piece), JSON.stringify(piece)).toEqual({
              total: expected.length,
              messages: expected,
            });
          }
        },
      ),
      { numRuns: 8, seed: 20_261_124, endOnFailure: true },
    );
  });

  it("does not find a message that has all of its triples of letters, and not in this order", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...["abcabd bcabc", "aaa", "abab", "xabcabc"].map((message) => anEvent({ message })));

    expect(await search(token, "abcabc")).toEqual({ total: 1, messages: ["xabcabc"] });
    expect(await search(token, "aaaa")).toEqual({ total: 0, messages: [] });
    expect(await search(token, "babab")).toEqual({ total: 0, messages: [] });
  });
});

describe("the kept total of a search", () => {
  const kept = () =>
    env.DB.prepare("SELECT n, upto_id, epoch FROM search_totals").all<{ n: number; upto_id: number }>();

  const total = async (token: string) => {
    const response = await get("/api/events/count/?message=needle", token);
    return { total: (await response.json<{ count: number }>()).count, rowsRead: rowsRead(response) };
  };

  const needles = (count: number) => Array.from({ length: count }, () => anEvent({ message: "A needle" }));

  it("is written when 2,000 matches were counted, and not below", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...needles(1_999), anEvent({ message: "hay" }));
    expect((await total(token)).total).toBe(1_999);
    expect((await kept()).results).toEqual([]);

    await recorded(...needles(1));
    expect((await total(token)).total).toBe(2_000);
    expect((await kept()).results).toEqual([{ n: 2_000, upto_id: 2_001, epoch: 0 }]);
  });

  it("saves counting again, and stays exact after more events, deletions and changes of the epoch", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...needles(2_100), anEvent({ message: "hay" }));
    const first = await total(token);
    expect(first.total).toBe(2_100);

    const again = await total(token);
    expect(again.total).toBe(2_100);
    expect(again.rowsRead).toBeLessThan(first.rowsRead / 100);

    await recorded(...needles(3), anEvent({ message: "hay" }));
    expect((await total(token)).total).toBe(2_103);
    expect((await kept()).results).toMatchObject([{ n: 2_100, upto_id: 2_101 }]);

    await env.DB.exec("DELETE FROM events WHERE id IN (1, 2, 2102)");
    expect((await total(token)).total).toBe(2_100);
    expect((await kept()).results).toMatchObject([{ n: 2_100, upto_id: 2_105, epoch: 3 }]);
    expect((await total(token)).rowsRead).toBeLessThan(first.rowsRead / 100);
  });

  it("is believed in its own epoch only", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...needles(2_000));
    await total(token);

    await env.DB.exec("UPDATE search_totals SET n = 7");
    expect((await total(token)).total).toBe(7);

    await env.DB.exec("UPDATE commit_watermark SET epoch = epoch + 1");
    expect((await total(token)).total).toBe(2_000);
  });

  it("is of one search: other filters and other orders have their own", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...needles(2_000));
    const count = async (search: string) =>
      (await (await get(`/api/events/count/?${search}`, token)).json<{ count: number }>()).count;
    await count("message=needle");

    expect(await count("message=needle&created_to=1")).toBe(0);
    expect(await count("message=needles")).toBe(0);
    expect(await count("message=needle&event_type=project_created")).toBe(2_000);
    expect(await count("message=needle&event_type=project_updated")).toBe(0);
  });
});
