import type { Mutant } from "./mutant.ts";

const NEW_TYPE = ["test/catalogue/new-type"];
const JSON_TEXT = ["test/values/json"];
const ORDER = ["test/ingest/formats/context-order"];
const FUTURE = ["test/events/list/future"];
const TIMES = ["test/ingest/times", "test/ingest/limits"];
const SWEEP = ["test/ingest/sweep"];

/** Bugs in what is kept of events: their types, times and contexts, and what waits in R2. */
export const keptMutants: readonly Mutant[] = [
  {
    bug: "Events of a type from before the catalogue knew it are left out.",
    file: "src/events/type-numbers.ts",
    search: "before(name).filter((type) => type !== OTHER_TYPE)",
    replace: "[]",
    tests: NEW_TYPE,
  },
  {
    bug: "Events beyond the limits are left out when the catalogue takes their type in.",
    file: "src/events/type-numbers.ts",
    search: "others: names.filter((name) => before(name).includes(OTHER_TYPE)),",
    replace: "others: [],",
    tests: NEW_TYPE,
  },
  {
    bug: "An isolate never learns of types that a migration has added since.",
    file: "src/events/type-numbers.ts",
    search: "defer(readEarlier(binding, now).catch(logFailure));",
    replace: "defer(Promise.resolve(logFailure));",
    tests: NEW_TYPE,
  },
  {
    bug: "The migration does not look for events beyond the limits.",
    file: "migrations/0017_earlier_event_types.sql",
    search: "UNION ALL SELECT NEW.name, 999 WHERE EXISTS",
    replace: "UNION ALL SELECT NEW.name, 999 WHERE NOT EXISTS",
    tests: NEW_TYPE,
  },
  {
    bug: "A Worker from before a type shows it without a name.",
    file: "src/events/row.ts",
    search: "THEN (SELECT name FROM event_types WHERE event_types.id = ${events.type})",
    replace: "THEN NULL",
    tests: NEW_TYPE,
  },
  {
    bug: "Keys that look like integers are sorted.",
    file: "src/values/json.ts",
    search: "return isMoved ? Object.assign(object, { [KEYS]: keys }) : object;",
    replace: "return isMoved ? object : object;",
    tests: JSON_TEXT,
  },
  {
    bug: "A key that looks like a marked one loses its first letter.",
    file: "src/values/json.ts",
    search: "(?:=|\\\\u003[dD])*(?:\\d",
    replace: "(?:\\d",
    tests: JSON_TEXT,
  },
  {
    bug: "A context is printed in the order of JavaScript.",
    file: "src/ingest/accept.ts",
    search: "context: printJson(context), hasOwnUuid",
    replace: "context: JSON.stringify(context), hasOwnUuid",
    tests: ORDER,
  },
  {
    bug: "The keys of a form are sorted.",
    file: "src/ingest/formats/waldur-form.ts",
    search: "inOrder(keys.map((key) => [key, null]))",
    replace: "Object.fromEntries(keys.map((key) => [key, null]))",
    tests: ORDER,
  },
  {
    bug: "Ids far from each other are read in one window.",
    file: "src/events/list/windows.ts",
    search: "min - last.max <= MIN_GAP",
    replace: "min - last.max <= Infinity",
    tests: FUTURE,
  },
  {
    bug: "A remembered window has no later events.",
    file: "src/events/list/place.ts",
    search: "{ ...ids, max: NO_ID_ABOVE }",
    replace: "{ ...ids, max: ids.max }",
    tests: FUTURE,
  },
  {
    bug: "A time that no JavaScript number holds is accepted.",
    file: "src/ingest/event.ts",
    search: "v.maxValue(LAST_TIME, OUTSIDE)",
    replace: "v.maxValue(LAST_TIME + 1, OUTSIDE)",
    tests: TIMES,
  },
  {
    bug: "A time before 1685 is accepted.",
    file: "src/ingest/event.ts",
    search: "v.minValue(FIRST_TIME, OUTSIDE)",
    replace: "v.minValue(FIRST_TIME - 1, OUTSIDE)",
    tests: TIMES,
  },
  {
    bug: "A warning names an event that is a day ahead.",
    file: "src/ingest/future-times.ts",
    search: "(created ?? 0) > receivedAt + MAX_AHEAD",
    replace: "(created ?? 0) >= receivedAt - 1000 + MAX_AHEAD",
    tests: TIMES,
  },
  {
    bug: "A sweep ends with the first chunk.",
    file: "src/ingest/queue/spill.ts",
    search: "if (begins >= MAX_OBJECTS ||",
    replace: "if (begins > 0 ||",
    tests: SWEEP,
  },
  {
    bug: "A sweep goes on into the next one.",
    file: "src/ingest/queue/spill.ts",
    search: " || Date.now() - begun >= MAX_MS",
    replace: "",
    tests: SWEEP,
  },
  {
    bug: "The counts of a request that died are lost.",
    file: "src/ingest/statistics/rejected.ts",
    search: "add(entry, entry.sending?.taken ?? []);",
    replace: "",
    tests: ["test/ingest/statistics"],
  },
  {
    bug: "A request that died keeps all others from counting.",
    file: "src/ingest/statistics/rejected.ts",
    search: " && now - entry.sending.since < MAX_SENDING",
    replace: "",
    tests: ["test/ingest/statistics"],
  },
  {
    bug: "A Worker that keeps no matches changes a search whose matches are kept.",
    file: "migrations/0019_search_keys.sql",
    search: "SELECT RAISE(IGNORE);",
    replace: "SELECT 1;",
    tests: ["test/events/search/kept-matches"],
  },
];
