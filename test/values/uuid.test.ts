import { describe, expect, it } from "vitest";
import { MAX_VALUE_LENGTH } from "../../src/http/query-limits.ts";
import { MAX_UUID_TEXT, parseUuid } from "../../src/values/uuid.ts";

const HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

describe("a UUID is read", () => {
  it.each([
    ["as 32 digits", HEX],
    ["with dashes", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"],
    ["with dashes anywhere", `--${HEX.replaceAll("5", "5-")}-`],
    ["in capitals", HEX.toUpperCase()],
    ["in braces", `{${HEX}}`],
    ["with braces of either kind at either end", `}}{${HEX}{}`],
    ["as a URN", `urn:uuid:${HEX}`],
    ["with urn: and uuid: anywhere", `{${HEX.slice(0, 5)}uuid:${HEX.slice(5)}urn:}`],
    ["when uuid: is what remains once urn: is removed", `uuiurn:d:${HEX}`],
    ["as long as a value of a query may be", HEX + "-".repeat(MAX_VALUE_LENGTH - HEX.length)],
  ])("%s", (_, text) => {
    expect(parseUuid(text)).toBe(HEX);
  });
});

describe("a text is no UUID", () => {
  it.each([
    ["with too few digits", HEX.slice(1)],
    ["with too many digits", `${HEX}0`],
    ["with another letter", `${HEX.slice(1)}g`],
    ["with a brace inside", `${HEX.slice(0, 5)}{${HEX.slice(5)}`],
    ["with a dash before a brace", `-{${HEX}}`],
    ["with URN: in capitals", `URN:UUID:${HEX}`],
    ["with white space", ` ${HEX}`],
    ["with a line feed at its end", `${HEX}\n`],
    ["with digits of another script", `٣${HEX.slice(1)}`],
    ["when it is empty", ""],
    ["of braces and dashes", "{{--}}"],
    ["when it is longer than a value of a query may be", HEX + "-".repeat(MAX_UUID_TEXT - HEX.length + 1)],
  ])("%s", (_, text) => {
    expect(parseUuid(text)).toBeUndefined();
  });
});
