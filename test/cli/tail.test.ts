import { describe, expect, it } from "vitest";
import { answerOf, BrokenAnswer, isOffset } from "../../src/cli/tail/answer.ts";
import { BackOff, MAX_PAUSE_MS } from "../../src/cli/tail/back-off.ts";
import { pretty } from "../../src/cli/tail/pretty.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string) => {
  const { messages, ...rest } = answerOf(bytes(text));
  return { messages: messages.map((message) => new TextDecoder().decode(message)), ...rest };
};

describe("the pause after a failure", () => {
  it("is anything up to a longest one, which doubles up to a maximum, and begins again after a success", () => {
    const longest = new BackOff(500, () => 1);
    expect(Array.from({ length: 9 }, () => longest.next())).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]);
    longest.reset();
    expect(longest.next()).toBe(500);
    expect(new BackOff(500, () => 0).next()).toBe(0);
  });

  it("stays at its maximum after any number of failures", () => {
    const backOff = new BackOff(500, () => 1);
    expect(Array.from({ length: 2_000 }, () => backOff.next()).at(-1)).toBe(MAX_PAUSE_MS);
  });

  it("is not shorter than the server asks for", () => {
    expect(new BackOff(500, () => 0).next(120_000)).toBe(120_000);
    expect(new BackOff(500, () => 0.5).next(120_000)).toBe(120_250);
  });
});

describe("an answer of NDJSON", () => {
  const CONTROL = '{"op":"control","streamNextOffset":"a_1","upToDate":true,"streamCursor":"7"}';

  it("has its messages as they were written, whatever they contain", () => {
    const exact = '{"id":9007199254740993,"context":{"n":12345678901234567890.10,"s":"\\u0041\\/"}}';
    expect(read(`${exact}\n{"op":"control","id":2}\n${CONTROL}\n`)).toEqual({
      messages: [exact, '{"op":"control","id":2}'],
      offset: "a_1",
      isUpToDate: true,
      cursor: "7",
    });
  });

  it("may have no message, and more after it", () => {
    const control = '{"op":"control","streamNextOffset":"a_1"}';
    expect(read(control)).toEqual({ messages: [], offset: "a_1", isUpToDate: false, cursor: undefined });
  });

  it("is refused when it was cut off anywhere", () => {
    const whole = `{"id":1}\n{"id":2}\n${CONTROL}`;
    for (let end = 0; end < whole.length; end++)
      expect(() => read(whole.slice(0, end)), String(end)).toThrow(BrokenAnswer);
  });

  it.each([
    "[]",
    "null",
    "<html></html>",
    '{"op":"control"}',
    '{"op":"control","streamNextOffset":"a b"}',
    '{"streamNextOffset":"a_1"}',
  ])("is refused when its last line is %s", (line) => {
    expect(() => read(`{"id":1}\n${line}\n`)).toThrow(BrokenAnswer);
  });

  it("is refused when a message has more than 16 MiB", () => {
    const longest = "x".repeat(16 * 1024 * 1024);
    expect(answerOf(bytes(`${longest}\n${CONTROL}`)).messages).toHaveLength(1);
    expect(() => answerOf(bytes(`${longest}x\n${CONTROL}`))).toThrow(BrokenAnswer);
  });
});

describe("an offset", () => {
  it.each(["a", "a_1.b-c~!", "x".repeat(255)])("may be %s", (text) => expect(isOffset(text)).toBe(true));

  it.each(["", "a,b", "a&b", "a=b", "a?b", "a/b", "a b", "a\n", "é", "x".repeat(256)])("may not be %j", (text) =>
    expect(isOffset(text)).toBe(false),
  );
});

describe("a message for people", () => {
  const event = { id: 7, uuid: "u7", created: "2026-01-01T00:00:00Z", event_type: "user_activated", message: "Ada." };

  it("is a line with its time, its type and its text", () => {
    expect(pretty(JSON.stringify(event))).toBe("2026-01-01T00:00:00Z  user_activated  Ada.");
    expect(pretty(JSON.stringify({ ...event, op: "event", event_type: null }))).toBe("2026-01-01T00:00:00Z  -  Ada.");
  });

  it("says what it is, if it is no new event", () => {
    expect(pretty(JSON.stringify({ op: "identity", ...event }))).toBe(
      "identity  u7  2026-01-01T00:00:00Z  user_activated  Ada.",
    );
    expect(pretty('{"op":"removed","id":7,"uuid":"u7"}')).toBe("removed  u7");
    expect(pretty('{"op":"removed","created_before":"2026-01-01T00:00:00Z"}')).toBe(
      "removed  all created before 2026-01-01T00:00:00Z",
    );
  });

  it("moves no cursor, rings no bell and turns no text around", () => {
    const message = "\x1b[2J\x1b]0;title\x07 a\r\nb\tc \x9b31m \x7f \u202eabc \u2028 õ 👩‍🚀";
    expect(pretty(JSON.stringify({ ...event, message }))).toBe(
      "2026-01-01T00:00:00Z  user_activated  \\u001b[2J\\u001b]0;title\\u0007 a\\r\\nb\\tc \\u009b31m \\u007f \\u202eabc \\u2028 õ 👩‍🚀",
    );
  });

  it("is shown as it is when it is no object, but for what a terminal obeys", () => {
    expect(pretty("no \x1b[1m JSON")).toBe("no \\u001b[1m JSON");
    expect(pretty("null")).toBe("null");
  });
});
