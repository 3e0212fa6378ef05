import { describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, recorded } from "../support/world.ts";

/** The text of one field of the only event, as it stands in the list. */
async function printed(field: string): Promise<string> {
  const text = await (await get(`/api/events/?field=${field}`, (await aPerson({ staff: true })).token)).text();
  return text.slice(`[{"${field}":`.length, -"}]".length);
}

describe("created is printed in ISO 8601:", () => {
  it.each([
    ["six digits of microseconds", 1_762_178_841_123_456, "2025-11-03T14:07:21.123456Z"],
    ["zeros before the digits", 1_762_178_841_000_007, "2025-11-03T14:07:21.000007Z"],
    ["zeros after the digits", 1_762_178_841_500_000, "2025-11-03T14:07:21.500000Z"],
    ["never milliseconds", 1_762_178_841_123_000, "2025-11-03T14:07:21.123000Z"],
    ["no fraction when the microseconds are zero", 1_761_746_961_000_000, "2025-10-29T14:09:21Z"],
    ["the beginning of UNIX time", 0, "1970-01-01T00:00:00Z"],
    ["before it", -1, "1969-12-31T23:59:59.999999Z"],
    ["whole seconds before it", -1_000_000, "1969-12-31T23:59:59Z"],
    ["the first year", -62_135_596_800_000_000, "0001-01-01T00:00:00Z"],
    ["the last year", 253_402_300_799_000_000, "9999-12-31T23:59:59Z"],
  ])("%s", async (_what, created, text) => {
    await recorded(anEvent({ created }));

    expect(await printed("created")).toBe(`"${text}"`);
  });
});

it("uuid is printed as 32 small hex digits without dashes", async () => {
  await recorded(anEvent({ uuid: "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }));

  expect(await printed("uuid")).toBe('"0a1b2c3d4e5f60718293a4b5c6d7e8f9"');
});

describe("an event type", () => {
  it.each([
    ["that is the first of the catalogue", "access_subnet_creation_succeeded"],
    ["that the catalogue does not know", "a_type_of_tomorrow"],
    ["with odd characters", 'õ "x"\\'],
  ])("%s is printed by its name", async (_which, eventType) => {
    await recorded(anEvent({ eventType }));

    expect(await printed("event_type")).toBe(JSON.stringify(eventType));
  });

  it("that the catalogue does not know is printed by its own name beside others", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent({ eventType: "new_one" }), anEvent({ eventType: "new_two" }));
    await recorded(anEvent({ eventType: "new_three" }), anEvent({ eventType: "new_one" }));

    const listed = await (await get("/api/events/?field=event_type&o=created", token)).json();

    expect(listed).toEqual(["new_one", "new_two", "new_three", "new_one"].map((event_type) => ({ event_type })));
  });
});

describe("a message is printed as JSON:", () => {
  it.each([
    ["plain", "Project A has been created.", '"Project A has been created."'],
    ["empty", "", '""'],
    ["with quotes and a backslash", 'a "b" \\ c', String.raw`"a \"b\" \\ c"`],
    ["with control characters", "a\n\t\u0001b", String.raw`"a\n\t\u0001b"`],
    ["beyond ASCII, not escaped", "Õun 日本 😀", '"Õun 日本 😀"'],
    ["with line separators, not escaped", "a\u2028b\u2029c", '"a\u2028b\u2029c"'],
    ["with markup, not escaped", "<b>&'/</b>", '"<b>&\'/</b>"'],
    ["with blanks at its ends", "  a  ", '"  a  "'],
  ])("%s", async (_what, message, text) => {
    await recorded(anEvent({ message }));

    expect(await printed("message")).toBe(text);
  });
});

describe("context is printed as it is stored", () => {
  it.each([
    ["empty", "{}"],
    ["nested", '{"a":{"b":[1,"2",null,true,{"c":[]}]},"z":{}}'],
    ["numbers with a fraction", '{"n":2.5,"whole":100000.0,"small":1e-7}'],
    ["integers no double can hold", '{"n":12345678901234567890,"m":9007199254740993}'],
    ["keys in their stored order, not ours", '{"b":1,"a":2,"10":3,"9":4}'],
    ["keys beyond ASCII, values with line separators", '{"võti":"a\u2028b"}'],
    ["a key named __proto__", '{"__proto__":{"x":1}}'],
  ])("%s", async (_what, context) => {
    await recorded({ ...anEvent(), context });

    expect(await printed("context")).toBe(context);
  });
});

it("a body is UTF-8", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(anEvent({ message: "Õ€😀" }));

  const bytes = new Uint8Array(await (await get("/api/events/?field=message", token)).arrayBuffer());

  expect(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)).toBe('[{"message":"Õ€😀"}]');
});
