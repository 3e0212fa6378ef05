import { describe, expect, it } from "vitest";
import { eventGroups } from "../../src/catalogue/data.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, messages, query, recorded } from "../support/world.ts";

const A = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const B = "ffffffffffffffffffffffffffffffff";
/** A second; events are made in microseconds. */
const T = 1_760_000_000;
const at = (seconds: number, micros = 0) => seconds * 1_000_000 + micros;

/** The answer of the list to a bad filter. */
async function refusal(search: string) {
  const response = await get(`/api/events/${search}`, (await aPerson({ staff: true })).token);
  return { status: response.status, body: await response.json() };
}

describe("created_from", () => {
  it.each([
    ["includes its own second", `${T}`, ["at T", "half past T", "after"]],
    ["is cut off at the decimal point", `${T}.9`, ["at T", "half past T", "after"]],
    ["is cut off however many decimals there are", `${T}.${"9".repeat(20)}`, ["at T", "half past T", "after"]],
    ["leaves out what is earlier", `${T + 1}`, ["after"]],
    ["takes an exponent", "1.76e9", ["at T", "half past T", "after"]],
    ["takes a capital exponent", "1.76E+9", ["at T", "half past T", "after"]],
    ["takes a negative exponent", "1760000001000e-3", ["after"]],
    ["takes a point without digits before it", ".1760000001e10", ["after"]],
    ["takes underscores", "1_760_000_000", ["at T", "half past T", "after"]],
    ["takes a plus sign", `+${T}`, ["at T", "half past T", "after"]],
    ["is trimmed", ` ${T + 1} `, ["after"]],
    ["takes leading zeros", `000${T + 1}`, ["after"]],
    ["takes a point without digits after it", `${T + 1}.`, ["after"]],
    ["may be 0", "0", ["early", "at T", "half past T", "after"]],
    ["may be negative", "-1", ["before 1970", "early", "at T", "half past T", "after"]],
    ["is cut towards zero when negative", "-0.9", ["early", "at T", "half past T", "after"]],
    ["of nothing is no filter", "", ["before 1970", "early", "at T", "half past T", "after"]],
    ["of blanks is no filter", "  ", ["before 1970", "early", "at T", "half past T", "after"]],
  ])("%s", async (_what, value, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ created: at(-1, 500_000), message: "before 1970" }),
      anEvent({ created: at(5), message: "early" }),
      anEvent({ created: at(T), message: "at T" }),
      anEvent({ created: at(T, 500_000), message: "half past T" }),
      anEvent({ created: at(T + 1), message: "after" }),
    );

    expect(await messages(token, query(["created_from", value], ["o", "created"]))).toEqual(expected);
  });
});

describe("created_to", () => {
  it.each([
    ["leaves out its own second", `${T}`, ["before 1970", "before"]],
    ["is cut off at the decimal point", `${T}.9`, ["before 1970", "before"]],
    ["includes all that is earlier", `${T + 1}`, ["before 1970", "before", "at T", "half past T"]],
    ["is cut towards zero when negative", "-0.9", ["before 1970"]],
    ["of nothing is no filter", "", ["before 1970", "before", "at T", "half past T", "after"]],
  ])("%s", async (_what, value, expected) => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ created: at(-1, 500_000), message: "before 1970" }),
      anEvent({ created: at(T - 1, 999_999), message: "before" }),
      anEvent({ created: at(T), message: "at T" }),
      anEvent({ created: at(T, 500_000), message: "half past T" }),
      anEvent({ created: at(T + 1), message: "after" }),
    );

    expect(await messages(token, query(["created_to", value], ["o", "created"]))).toEqual(expected);
  });

  it("and created_from make a half-open range", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(...[0, 1, 2].map((second) => anEvent({ created: at(T + second), message: `T+${second}` })));

    expect(await messages(token, `?created_from=${T + 1}&created_to=${T + 2}`)).toEqual(["T+1"]);
    expect(await messages(token, `?created_from=${T + 2}&created_to=${T + 1}`)).toEqual([]);
  });
});

it("a time that is not a number is 400", async () => {
  const words = [
    "abc",
    "NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "1,5",
    "2025-11-03",
    "2025-11-03T14:07:21Z",
    "0x10",
    "1e",
    "e5",
    ".",
    "+",
    "--1",
    "1 2",
    "1\0",
  ];

  for (const value of words) {
    const bad = ["Enter a number."];
    expect(await refusal(query(["created_from", value])), value).toEqual({ status: 400, body: { created_from: bad } });
    expect(await refusal(query(["created_to", value])), value).toEqual({ status: 400, body: { created_to: bad } });
  }
});

describe("a time above 1e50 is 400", () => {
  it.each(["1e51", "1e400", "9".repeat(51), `1${"0".repeat(60)}.5`])("%s", async (value) => {
    expect(await refusal(query(["created_to", value]))).toEqual({
      status: 400,
      body: { created_to: ["Ensure this value is less than or equal to 1e+50."] },
    });
  });
});

describe("a time in no year we have is 400 with a bare list that names it", () => {
  it.each([
    ["999999999999999", "999999999999999"],
    ["-999999999999999", "-999999999999999"],
    ["253402300800", "253402300800"],
    ["999999999999999.9", "999999999999999"],
    ["9007199254740993", "9007199254740993"],
    ["1e15", "1000000000000000"],
    ["1e20", "100000000000000000000"],
  ])("%s", async (value, named) => {
    const body = [`Value "${named}" should be valid UNIX timestamp.`];
    expect(await refusal(`?created_from=${value}`)).toEqual({ status: 400, body });
    expect(await refusal(`?created_to=${value}`)).toEqual({ status: 400, body });
  });

  it.each(["1e49", "-1e20", "-1e60"])("%s: never a 500", async (value) => {
    expect((await refusal(`?created_from=${value}`)).status).toBe(400);
  });

  it.each(["253402300799", "-62135596800"])("%s is the edge of what there is", async (value) => {
    const { token } = await aPerson({ staff: true });

    expect((await get(`/api/events/?created_from=${value}`, token)).status).toBe(200);
  });
});

describe("message", () => {
  it.each([
    ["a part of it", "has been", "Project has been created"],
    ["its beginning", "Project", "Project has been created"],
    ["its end", "created", "Project has been created"],
    ["the whole of it", "Project has been created", "Project has been created"],
    ["in other case", "PROJECT HAS", "Project has been created"],
    ["in small letters", "project has", "PROJECT HAS been created"],
    ["one character", "j", "Project"],
    ["two characters", "oj", "Project"],
    ["500 characters", "x y".repeat(167).slice(0, 500), `before ${"x y".repeat(200)} after`],
    ["trimmed", "  has been ", "Project has been created"],
    ["with blanks kept within", "a  b", "a  b"],
    ["a line break", "a\nb", "a\nb"],
    ["õ for Õ", "õun", "ÕUN on õunapuul"],
    ["Õ for õ", "ÕUN", "õun"],
    ["one letter beyond ASCII", "Ž", "puhas žanr"],
    ["Cyrillic", "ПРОЕКТ", "Новый проект"],
    ["Greek", "ΈΡΓΟ", "νέο έργο"],
    ["ASCII in a message that is not", "CREATED", "õun created"],
    ["a character beyond 16 bits", "😀", "well 😀 done"],
    ["Deseret small for capital", "𐐨", "𐐀"],
    ["letters that have no capital", "日本", "日本語"],
    ["ß", "straße", "Straße"],
    ["%", "100%", "100% done"],
    ["_", "snake_case", "snake_case"],
    ["*", "2*3", "2*3"],
    ["a backslash", "C:\\dir", "C:\\dir"],
    ["a backslash and %", "\\%", "a \\% b"],
    ["a single quote", "it's", "it's"],
    ["double quotes", '"x"', 'named "x"'],
    ["a lone double quote", '"', 'named "x"'],
    ["brackets and a caret", "[a-z]^", "[a-z]^"],
    ["a question mark", "what?", "what?"],
    ["OR", "a or b", "either a OR b"],
    ["NOT", "not b", "a NOT b"],
    ["NEAR", "near(a b)", "NEAR(a b)"],
    ["a minus", "-x", "a -x"],
    ["a colon", "message:x", "message:x"],
    ["braces", "{1}", "{1}"],
    ["a number sign and an ampersand", "#1 & 2", "#1 & 2"],
    ["what looks like a statement", "'; DROP TABLE events; --", "'; DROP TABLE events; --"],
  ])("finds %s", async (_what, text, message) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "something else" }), anEvent({ message }));

    expect(await messages(token, query(["message", text]))).toEqual([message]);
  });

  it.each([
    ["% is no wildcard", "%", "abc"],
    ["% within is no wildcard", "a%c", "abc"],
    ["_ is no wildcard", "a_c", "abc"],
    ["* is no wildcard", "a*", "abc"],
    ["? is no wildcard", "a?c", "abc"],
    ["a backslash escapes nothing", "\\a", "abc"],
    ["a backslash does not hide %", "\\%", "100% done"],
    ["quotes do not make a phrase", '"abc"', "abc"],
    ["OR is no operator", "abc OR xyz", "abc"],
    ["NOT is no operator", "abc NOT xyz", "abc"],
    ["words are not looked for one by one", "abc def", "def abc"],
    ["a word does not stand for its forms", "created", "create"],
    ["o is not õ", "oun", "õun"],
    ["õ is not o", "õun", "oun"],
    ["ß is not SS", "strasse", "Straße"],
    ["500 characters of which the last differs", `${"x".repeat(499)}y`, "x".repeat(600)],
    ["the text is longer than the message", "abcd", "abc"],
    ["the context is not searched", "secret", "abc"],
    ["the event type is not searched", "project_created", "abc"],
  ])("%s", async (_what, text, message) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message, eventType: "project_created", context: { key: "secret" } }));

    expect(await messages(token, query(["message", text]))).toEqual([]);
  });

  it("of 500 characters beyond ASCII is found in the other case", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "õ".repeat(500) }), anEvent({ message: "õ".repeat(499) }));

    expect(await messages(token, query(["message", "Õ".repeat(500)]))).toEqual(["õ".repeat(500)]);
  });

  it.each(["", "   ", "\t\n"])("of %j is no filter", async (text) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "a" }));

    expect(await messages(token, query(["message", text]))).toEqual(["a"]);
  });

  it("with a NUL is 400", async () => {
    expect(await refusal("?message=a%00b")).toEqual({
      status: 400,
      body: { message: ["Null characters are not allowed."] },
    });
  });
});

const UUID_PARAMETERS = ["customer_uuid", "project_uuid", "user_uuid"];

describe.each(UUID_PARAMETERS)("%s", (parameter) => {
  it("gives the events whose context has it under the same name at the top", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "mine", context: { [parameter]: A } }),
      anEvent({ message: "of another", context: { [parameter]: B } }),
      anEvent({ message: "of none" }),
      anEvent({ message: "nested", context: { inner: { [parameter]: A } } }),
      anEvent({ message: "in a list", context: { [parameter]: [A] } }),
      anEvent({ message: "null", context: { [parameter]: null } }),
      anEvent({ message: "under another name", context: { resource_uuid: A, affected_user_uuid: A } }),
      ...UUID_PARAMETERS.filter((other) => other !== parameter).map((other) =>
        anEvent({ message: `as ${other}`, context: { [other]: A } }),
      ),
    );

    expect(await messages(token, `?${parameter}=${A}`)).toEqual(["mine"]);
  });

  it.each([
    ["dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["dashes anywhere", "0a-1b2c3d4e5f60718293a4b5c6d7e8f9-"],
    ["capitals", A.toUpperCase()],
    ["braces", `{${A}}`],
    ["braces and dashes", "{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}"],
    ["urn:uuid:", "urn:uuid:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["blanks around", ` ${A} `],
  ])("may be written with %s", async (_form, value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "mine", context: { [parameter]: A } }), anEvent({ context: { [parameter]: B } }));

    expect(await messages(token, query([parameter, value]))).toEqual(["mine"]);
  });

  it.each([
    ["dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["capitals", A.toUpperCase()],
  ])("is compared as 32 hex: a context that has it with %s does not match", async (_form, value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ context: { [parameter]: value } }));

    expect(await messages(token, `?${parameter}=${A}`)).toEqual([]);
  });

  it("that is no UUID is 400", async () => {
    const bad = [
      "abc",
      A.slice(1),
      `${A}0`,
      `g${A.slice(1)}`,
      `(${A})`,
      `${A.slice(0, 16)} ${A.slice(16)}`,
      "0",
      "null",
    ];

    for (const value of bad) {
      expect(await refusal(query([parameter, value])), value).toEqual({
        status: 400,
        body: { [parameter]: ["Enter a valid UUID."] },
      });
    }
  });

  it.each(["", "  "])("of %j is no filter", async (value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, query([parameter, value]))).toEqual(["any"]);
  });
});

describe("user_uuid", () => {
  it("looks at the actor only, not at the affected user", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "did it", context: { user_uuid: A, affected_user_uuid: B } }),
      anEvent({ message: "suffered it", context: { user_uuid: B, affected_user_uuid: A } }),
    );

    expect(await messages(token, `?user_uuid=${A}`)).toEqual(["did it"]);
  });
});

describe("related_user_uuid", () => {
  it("gives events with the user as actor, as affected user or in the series, each once", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "actor", context: { user_uuid: A } }),
      anEvent({ message: "affected", context: { affected_user_uuid: A } }),
      anEvent({ message: "both", context: { user_uuid: A, affected_user_uuid: A } }),
      // The series of a sign-in has its user, in whatever form; the actor's key is compared as 32 hex only.
      anEvent({ message: "series", eventType: "auth_logged_out", context: { user_uuid: A.toUpperCase() } }),
      anEvent({ message: "customer", context: { customer_uuid: A, project_uuid: A } }),
      anEvent({ message: "another", context: { user_uuid: B, affected_user_uuid: B } }),
    );

    const response = await get(`/api/events/?related_user_uuid=${A}&o=created`, token);

    expect((await response.json<{ message: string }[]>()).map((event) => event.message)).toEqual([
      "actor",
      "affected",
      "both",
      "series",
    ]);
    expect(response.headers.get("X-Result-Count")).toBe("4");
  });

  it("that is no UUID is 400", async () => {
    expect(await refusal("?related_user_uuid=me")).toEqual({
      status: 400,
      body: { related_user_uuid: ["Enter a valid UUID."] },
    });
  });
});

describe.each(["auth_method", "pat_uuid"])("%s", (parameter) => {
  it.each([
    ["the same text", "token", "token", true],
    ["trimmed", " token ", "token", true],
    ["text with quotes", `it's "x"`, `it's "x"`, true],
    ["text beyond ASCII", "õ", "õ", true],
    ["a UUID as 32 hex", A, A, true],
    ["another case", "TOKEN", "token", false],
    ["a part of it", "tok", "token", false],
    ["more than it", "tokens", "token", false],
    ["a wildcard", "tok%", "token", false],
    ["a UUID with dashes, where the context has none", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", A, false],
    ["a UUID in capitals, where the context has small letters", A.toUpperCase(), A, false],
    ["digits, where the context has a number", "5", 5, false],
    ["true, where the context has a boolean", "true", true, false],
    ["null, where the context has null", "null", null, false],
    ["JSON, where the context has an object", "{}", {}, false],
  ])("is compared exactly: %s", async (_what, value, stored, matches) => {
    const { token } = await aPerson({ staff: true });
    await recorded(
      anEvent({ message: "it", context: { [parameter]: stored } }),
      anEvent({ message: "nested", context: { inner: { [parameter]: value } } }),
      anEvent({ message: "without" }),
    );

    expect(await messages(token, query([parameter, value]))).toEqual(matches ? ["it"] : []);
  });

  it("matches the text as it stands in the context, a UUID with dashes included", async () => {
    const { token } = await aPerson({ staff: true });
    const dashed = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    await recorded(anEvent({ message: "dashed", context: { [parameter]: dashed } }));

    expect(await messages(token, `?${parameter}=${dashed}`)).toEqual(["dashed"]);
  });

  it.each(["", " "])("of %j is no filter", async (value) => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, query([parameter, value]))).toEqual(["any"]);
  });

  it("with a NUL is 400", async () => {
    expect(await refusal(`?${parameter}=a%00b`)).toEqual({
      status: 400,
      body: { [parameter]: ["Null characters are not allowed."] },
    });
  });
});

describe("o", () => {
  it.each([
    ["foo", "foo"],
    ["user", "user"],
    ["Created", "Created"],
    ["+created", "+created"],
    [" created", " created"],
    ["created, -created", " -created"],
    ["created,foo", "foo"],
    ["--created", "--created"],
  ])("%j is 400: neither trimmed nor in another case", async (value, named) => {
    expect(await refusal(query(["o", value]))).toEqual({
      status: 400,
      body: { o: [`Select a valid choice. ${named} is not one of the available choices.`] },
    });
  });

  it("counts by its last value, also when that is the bad one", async () => {
    expect((await refusal("?o=created&o=foo")).status).toBe(400);
  });
});

const project = "project_creation_succeeded";
const customer = "customer_creation_succeeded";

describe("event_type and feature", () => {
  const world = () =>
    recorded(
      anEvent({ message: "project", eventType: project }),
      anEvent({ message: "customer", eventType: customer }),
      anEvent({ message: "unknown", eventType: "a_type_of_tomorrow" }),
      anEvent({ message: "odd", eventType: 'it\'s, "odd"' }),
    );
  const all = ["project", "customer", "unknown", "odd"];

  it.each<[what: string, pairs: [string, string][], expected: string[]]>([
    ["neither: everything", [], all],
    ["one type", [["event_type", project]], ["project"]],
    [
      "several types: any of them",
      [
        ["event_type", customer],
        ["event_type", project],
      ],
      ["project", "customer"],
    ],
    ["a type given twice", Array(2).fill(["event_type", project]), ["project"]],
    ["a type the catalogue does not know", [["event_type", "a_type_of_tomorrow"]], ["unknown"]],
    [
      "a known and an unknown type",
      [
        ["event_type", "a_type_of_tomorrow"],
        ["event_type", project],
      ],
      ["project", "unknown"],
    ],
    ["a type with quotes and commas", [["event_type", 'it\'s, "odd"']], ["odd"]],
    ["a type nobody ever saw", [["event_type", "never"]], []],
    ["a type in another case", [["event_type", project.toUpperCase()]], []],
    ["a type with a blank: not trimmed", [["event_type", ` ${project}`]], []],
    ["a known type that never happened", [["event_type", "project_deletion_succeeded"]], []],
    ["two types by comma: no such form", [["event_type", `${project},${customer}`]], []],
    ["an empty type: nothing", [["event_type", ""]], []],
    [
      "an empty type beside another",
      [
        ["event_type", ""],
        ["event_type", project],
      ],
      ["project"],
    ],
    ["a type that is a name of Object's own", [["event_type", "__proto__"]], []],
    ["the number of a type", [["event_type", "1"]], []],
    ["a group", [["feature", "projects"]], ["project"]],
    [
      "several groups: their union",
      [
        ["feature", "projects"],
        ["feature", "customers"],
      ],
      ["project", "customer"],
    ],
    [
      "an unknown group beside another: adds nothing",
      [
        ["feature", "nothing"],
        ["feature", "customers"],
      ],
      ["customer"],
    ],
    ["only unknown groups: nothing", [["feature", "nothing"]], []],
    ["an empty group: nothing", [["feature", ""]], []],
    ["a group with a blank: not trimmed", [["feature", "projects "]], []],
    ["groups by comma: no such form", [["feature", "projects,customers"]], []],
    [
      "groups that are names of Object's own",
      [
        ["feature", "constructor"],
        ["feature", "__proto__"],
        ["feature", "toString"],
      ],
      [],
    ],
    [
      "a group and a type of it",
      [
        ["feature", "projects"],
        ["event_type", project],
      ],
      ["project"],
    ],
    [
      "a group and a type of another: nothing",
      [
        ["feature", "projects"],
        ["event_type", customer],
      ],
      [],
    ],
    [
      "a group and a type of no group: nothing",
      [
        ["feature", "projects"],
        ["event_type", "a_type_of_tomorrow"],
      ],
      [],
    ],
    [
      "a group and an empty type: nothing",
      [
        ["feature", "projects"],
        ["event_type", ""],
      ],
      [],
    ],
    [
      "an unknown group and a type: nothing",
      [
        ["feature", "nothing"],
        ["event_type", project],
      ],
      [],
    ],
    [
      "names of filters that are gone: ignored",
      [
        ["exclude_features", "projects"],
        ["scope_type", "structure.customer"],
        ["exclude_event_type", project],
      ],
      all,
    ],
  ])("%s", async (_what, pairs, expected) => {
    const { token } = await aPerson({ staff: true });
    await world();

    expect(await messages(token, query(...pairs, ["o", "created"]))).toEqual(expected);
  });

  it.each([
    ["event_type", "known", "customer_update_succeeded", project, ["project"]],
    ["event_type", "unknown", "x", "a_type_of_tomorrow", ["unknown"]],
    ["feature", "known", "customers", "projects", ["project", "customer"]],
    ["feature", "unknown", "x", "projects", ["project"]],
  ])("1000 values of %s, most of them %s, are read to the last", async (parameter, _kind, filler, last, expected) => {
    const { token } = await aPerson({ staff: true });
    await world();
    const fillers = Array.from({ length: 999 }, (_, index): [string, string] => [
      parameter,
      filler === "x" ? `x${index}` : filler,
    ]);

    expect(await messages(token, query(...fillers, [parameter, last], ["o", "created"]))).toEqual(expected);
  });

  it("all types of all groups at once, by name and by group", async () => {
    const { token } = await aPerson({ staff: true });
    await world();
    const types = Object.values(eventGroups)
      .flat()
      .map((type): [string, string] => ["event_type", type]);
    const groups = Object.keys(eventGroups).map((group): [string, string] => ["feature", group]);

    expect(await messages(token, query(...types, ...groups, ["o", "created"]))).toEqual(["project", "customer"]);
  });
});

describe("all filters together", () => {
  it("are joined by AND: an event that fails any one of them is left out", async () => {
    const { token } = await aPerson({ staff: true });
    const context = { customer_uuid: A, project_uuid: B, user_uuid: A, auth_method: "pat", pat_uuid: B };
    const fitting = { created: at(T), eventType: project, message: "Created", context };
    await recorded(
      anEvent(fitting),
      anEvent({ ...fitting, created: at(T - 1) }),
      anEvent({ ...fitting, created: at(T + 1) }),
      anEvent({ ...fitting, eventType: customer }),
      anEvent({ ...fitting, message: "Deleted" }),
      anEvent({ ...fitting, context: { ...context, customer_uuid: B } }),
      anEvent({ ...fitting, context: { ...context, project_uuid: A } }),
      anEvent({ ...fitting, context: { ...context, user_uuid: B, affected_user_uuid: A } }),
      anEvent({ ...fitting, context: { ...context, auth_method: "token" } }),
      anEvent({ ...fitting, context: { ...context, pat_uuid: A } }),
    );

    const search = query(
      ["created_from", `${T}`],
      ["created_to", `${T + 1}`],
      ["event_type", project],
      ["feature", "projects"],
      ["message", "created"],
      ["customer_uuid", A],
      ["project_uuid", B],
      ["user_uuid", A],
      ["related_user_uuid", A],
      ["auth_method", "pat"],
      ["pat_uuid", B],
    );

    expect(await messages(token, search)).toEqual(["Created"]);
  });
});

describe("a single-valued parameter given several times", () => {
  it.each([
    ["customer_uuid", A, B],
    ["user_uuid", A, B],
    ["project_uuid", A, B],
    ["auth_method", "token", "session"],
    ["message", "first", "second"],
    ["created_from", "0", `${T + 1}`],
  ])("%s: the last one counts", async (parameter, first, last) => {
    const { token } = await aPerson({ staff: true });
    const key = parameter.endsWith("_uuid") || parameter === "auth_method" ? parameter : "none";
    await recorded(
      anEvent({ created: at(T), message: "the first", context: { [key]: first } }),
      anEvent({ created: at(T + 1), message: "the second", context: { [key]: last } }),
    );

    expect(await messages(token, query([parameter, first], [parameter, last]))).toEqual(["the second"]);
  });

  it.each([
    ["customer_uuid", "junk", A],
    ["created_from", "junk", "0"],
    ["created_to", "1e20", `${T}`],
  ])("%s: the others are not checked", async (parameter, bad, good) => {
    const { token } = await aPerson({ staff: true });

    expect(await messages(token, query([parameter, bad], [parameter, good]))).toEqual([]);
    expect((await refusal(query([parameter, good], [parameter, bad]))).status).toBe(400);
  });

  it("an empty last one means no filter", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ message: "any" }));

    expect(await messages(token, `?customer_uuid=${A}&customer_uuid=`)).toEqual(["any"]);
  });
});

describe("errors", () => {
  it("of several bad parameters are all in one body", async () => {
    const search = query(
      ["created_from", "x"],
      ["created_to", "1e51"],
      ["message", "a\0"],
      ["customer_uuid", "x"],
      ["project_uuid", "x"],
      ["user_uuid", "x"],
      ["related_user_uuid", "x"],
      ["auth_method", "a\0b"],
      ["pat_uuid", "a\0b"],
      ["o", "x"],
    );

    expect(await refusal(search)).toEqual({
      status: 400,
      body: {
        created_from: ["Enter a number."],
        created_to: ["Ensure this value is less than or equal to 1e+50."],
        message: ["Null characters are not allowed."],
        customer_uuid: ["Enter a valid UUID."],
        project_uuid: ["Enter a valid UUID."],
        user_uuid: ["Enter a valid UUID."],
        related_user_uuid: ["Enter a valid UUID."],
        auth_method: ["Null characters are not allowed."],
        pat_uuid: ["Null characters are not allowed."],
        o: ["Select a valid choice. x is not one of the available choices."],
      },
    });
  });

  it("name the bad parameters only", async () => {
    expect((await refusal(query(["created_from", "1"], ["user_uuid", "x"], ["o", "created"]))).body).toEqual({
      user_uuid: ["Enter a valid UUID."],
    });
  });

  it.each(["?o=x&page=99", "?customer_uuid=x&page=0", "?created_from=999999999999999&page=abc"])(
    "of filters come before those of the page: %s",
    async (search) => {
      expect((await refusal(search)).status).toBe(400);
    },
  );

  it("come as application/json with Allow", async () => {
    const response = await get("/api/events/?o=x", (await aPerson({ staff: true })).token);

    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("are the same for support and for users who see nothing", async () => {
    for (const user of [{ support: true }, {}]) {
      const response = await get("/api/events/?customer_uuid=x", (await aPerson(user)).token);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ customer_uuid: ["Enter a valid UUID."] });
    }
  });
});
