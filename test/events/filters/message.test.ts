import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, messages, query, recorded } from "../../support/world.ts";
import { refusal } from "./refusal.ts";

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
    await recorded(
      anEvent({ message, eventType: "project_created", context: { key: "secret" } }),
      anEvent({ message: `has ${text}` }),
    );

    expect(await messages(token, query(["message", text]))).toEqual([`has ${text}`]);
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
