import { describe, expect, it } from "vitest";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, messages, query, recorded } from "../../support/world.ts";
import { refusal } from "./refusal.ts";

/** A second; events are made in microseconds. */
const T = 1_760_000_000;
const at = (seconds: number, micros = 0) => seconds * 1_000_000 + micros;

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
