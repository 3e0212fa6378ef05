import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { eventTypesOf } from "../../src/catalogue/data.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, query, recorded } from "../support/world.ts";

const WORLDS = 8;
const QUERIES = 20;

const T = 1_760_000_000;
/** Of customers and projects. */
const UUIDS = ["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "ffffffffffffffffffffffffffffffff"];
const USERS = ["12345678123456781234567812345678", "00000000000000000000000000000001"];
/** Two of a group, one of another, one of none, two the catalogue does not know. */
const TYPES = [
  "project_creation_succeeded",
  "project_update_succeeded",
  "customer_creation_succeeded",
  "custom_notification",
  "odd",
  "Odd, too",
];
const FEATURES = ["projects", "customers", "support", "nothing"];
/** Letters with their capitals; all the others are their own. */
const CAPITALS: Readonly<Record<string, string>> = { a: "A", b: "B", õ: "Õ", ž: "Ž", я: "Я", ω: "Ω" };
const LETTERS = [...Object.entries(CAPITALS).flat(), " ", "%", "_", "*", "\\", '"', "'", "ß", "本", "😀"];

interface Recorded {
  /** Seconds and microseconds apart, so that the model needs no arithmetic of the server's. */
  second: number;
  micros: number;
  type: string;
  message: string;
  context: Readonly<Record<string, string>>;
}

type Query = [name: string, value: string][];

const message = (maxLength: number) =>
  fc.array(fc.constantFrom(...LETTERS), { maxLength }).map((letters) => letters.join(""));
const second = fc.integer({ min: T, max: T + 3 });

const event: fc.Arbitrary<Recorded> = fc.record({
  second,
  micros: fc.constantFrom(0, 1, 999_999),
  type: fc.constantFrom(...TYPES),
  message: message(6),
  context: fc.record(
    {
      customer_uuid: fc.constantFrom(...UUIDS),
      project_uuid: fc.constantFrom(...UUIDS),
      user_uuid: fc.constantFrom(...USERS),
      affected_user_uuid: fc.constantFrom(...USERS),
      auth_method: fc.constantFrom("token", "pat", "PAT"),
    },
    { requiredKeys: [] },
  ),
});

const values = (name: string, value: fc.Arbitrary<string>) => value.map((text): Query => [[name, text]]);
const repeated = (name: string, value: fc.Arbitrary<string>) =>
  fc.array(value, { minLength: 1, maxLength: 3 }).map((texts): Query => texts.map((text) => [name, text]));

/** Each parameter is there one time in three; those that narrow most share one place, so that answers are not all empty. */
const asked: fc.Arbitrary<Query> = fc
  .tuple(
    ...[
      values(
        "created_from",
        second.map((from) => `${from}.5`),
      ),
      values(
        "created_to",
        second.map((to) => `${to + 1}`),
      ),
      values("message", message(2)),
      fc.oneof(
        ...["customer_uuid", "project_uuid"].map((name) => values(name, fc.constantFrom(...UUIDS))),
        ...["user_uuid", "related_user_uuid"].map((name) => values(name, fc.constantFrom(...USERS))),
        values("auth_method", fc.constantFrom("token", "pat")),
      ),
      repeated("event_type", fc.constantFrom(...TYPES, "never", "")),
      repeated("feature", fc.constantFrom(...FEATURES)),
      values("o", fc.constantFrom("created", "-created", "created,-created", "")),
    ].map((given) => fc.oneof({ weight: 2, arbitrary: fc.constant<Query>([]) }, { weight: 1, arbitrary: given })),
  )
  .map((parameters) => parameters.flat());

const page = fc.record({ size: fc.integer({ min: 1, max: 12 }), number: fc.constantFrom("1", "2", "3", "last", "") });

/** Letter by letter; never String.toUpperCase, which the server uses. */
const folded = (text: string) => [...text].map((letter) => CAPITALS[letter] ?? letter).join("");

/** What the contract says of every parameter, over plain arrays. */
function matching(events: readonly Recorded[], params: Query): Recorded[] {
  const all = (name: string) => params.filter(([key]) => key === name).map(([, value]) => value);
  const one = (name: string) => all(name)[0]?.trim() || undefined;
  const from = one("created_from")?.split(".")[0];
  const to = one("created_to");
  const text = one("message");
  const types = all("event_type");
  const groups = all("feature");
  const related = one("related_user_uuid");
  const chosen = events.filter(
    ({ second, type, message, context }) =>
      (from === undefined || second >= Number(from)) &&
      (to === undefined || second < Number(to)) &&
      (text === undefined || folded(message).split(folded(text)).length > 1) &&
      (types.length === 0 || types.includes(type)) &&
      (groups.length === 0 || groups.some((group) => eventTypesOf(group).includes(type))) &&
      (related === undefined || [context.user_uuid, context.affected_user_uuid].includes(related)) &&
      ["customer_uuid", "project_uuid", "user_uuid", "auth_method"].every((key) => {
        const value = one(key);
        return value === undefined || context[key] === value;
      }),
  );
  const direction = one("o")?.startsWith("created") ? 1 : -1;
  // sort is stable: ties stay in the order of writing, which is that of the ids.
  return chosen.sort((a, b) => direction * (a.second - b.second || a.micros - b.micros));
}

/** The rows of one page, or undefined where there is no such page. */
function pageOf<T>(rows: readonly T[], size: number, number: string): T[] | undefined {
  const pages: T[][] = [[]];
  for (const row of rows) {
    if (pages.at(-1)?.length === size) pages.push([]);
    pages.at(-1)?.push(row);
  }
  return number === "last" ? pages.at(-1) : pages[Number(number || "1") - 1];
}

it("list and count answer as a model in memory does, whatever is written and asked", async () => {
  const { token } = await aPerson({ staff: true });

  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 20, maxLength: 40, size: "max" }),
      fc.array(fc.tuple(asked, page), { minLength: QUERIES, maxLength: QUERIES }),
      async (events, queries) => {
        await env.DB.exec("DELETE FROM events");
        const written = events.map((one) =>
          anEvent({
            created: one.second * 1_000_000 + one.micros,
            eventType: one.type,
            message: one.message,
            context: one.context,
          }),
        );
        await recorded(...written);
        const uuids = new Map(events.map((one, index) => [one, written[index]?.uuid]));

        for (const [params, { size, number }] of queries) {
          const expected = matching(events, params);
          const rows = pageOf(expected, size, number);
          const search = query(...params, ["page_size", `${size}`], ["page", number]);

          const list = await get(`/api/events/${search}`, token);
          const count = await get(`/api/events/count/${search}`, token);

          expect(await count.json(), search).toEqual({ count: expected.length });
          expect(list.status, search).toBe(rows === undefined ? 404 : 200);
          if (rows === undefined) continue;
          expect(list.headers.get("X-Result-Count"), search).toBe(`${expected.length}`);
          const listed = await list.json<{ uuid: string; event_type: string; message: string; context: object }[]>();
          expect(
            listed.map(({ uuid, event_type, message, context }) => ({ uuid, event_type, message, context })),
            search,
          ).toEqual(
            rows.map((one) => ({
              uuid: uuids.get(one),
              event_type: one.type,
              message: one.message,
              context: one.context,
            })),
          );
        }
      },
    ),
    { numRuns: WORLDS, seed: 20_251_103 },
  );
});
