import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { bigLog, load } from "../support/big-log.ts";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";

const NDJSON = "application/x-ndjson";
const CSV = "text/csv";

const exported = async (token: string, accept: string, query = "", changed = {}) => {
  const response = await get(`/api/events/feed/?${query}`, token, { headers: { Accept: accept } }, changed);
  return { response, lines: new TextDecoder().decode(await response.arrayBuffer()).split(/(?<=\n)/) };
};

describe("an export as NDJSON", () => {
  it("has every message of the feed, one a line, and then where to go on", async () => {
    const { token } = await aPerson({ staff: true });
    await load(bigLog(2_300, 7));
    await env.DB.exec("DELETE FROM events WHERE id = 7");

    const { response, lines } = await exported(token, NDJSON);

    const messages = lines.map((line) => JSON.parse(line));
    const end = messages.pop();
    expect(response.headers.get("Content-Type")).toBe(NDJSON);
    expect(messages.map(({ id }) => id)).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      ...Array.from({ length: 2_293 }, (_, n) => n + 8),
      7,
    ]);
    expect(end).toMatchObject({ op: "control", upToDate: true });
    const { lines: rest } = await exported(token, NDJSON, `offset=${end.streamNextOffset}`);
    expect(rest.map((line) => JSON.parse(line))).toEqual([end]);
  });

  it("has one page with a limit, and says that there is more", async () => {
    const { token } = await aPerson({ staff: true });
    await recorded(anEvent(), anEvent(), anEvent());

    const { lines } = await exported(token, NDJSON, "limit=2&field=uuid");

    expect(lines.map((line) => Object.keys(JSON.parse(line)))).toEqual([
      ["id", "uuid"],
      ["id", "uuid"],
      ["op", "streamNextOffset"],
    ]);
  });

  it("ends without its last line when the database fails on the way", async () => {
    const { token } = await aPerson({ staff: true });
    await load(bigLog(1_200, 7));
    let pages = 0;
    const DB = new Proxy(env.DB, {
      get: (db, name) => {
        const value = Reflect.get(db, name);
        if (name !== "withSession") return typeof value === "function" ? value.bind(db) : value;
        return (...args: [string]) => {
          const session = db.withSession(...args);
          const batch = (statements: D1PreparedStatement[]) => {
            if (args[0] === "first-unconstrained") pages += 1;
            if (pages > 1) throw new Error("D1_ERROR: Network connection lost.");
            return session.batch(statements);
          };
          return { prepare: session.prepare.bind(session), batch, getBookmark: () => session.getBookmark() };
        };
      },
    });

    const { lines } = await exported(token, NDJSON, "field=uuid", { DB });

    expect(lines.filter(Boolean)).toHaveLength(100);
    expect(lines.join("")).not.toContain("control");
  });
});

describe("an export as CSV", () => {
  it("is a table by RFC 4180, with cells that no spreadsheet computes, and numbers as they were sent", async () => {
    const { token } = await aPerson({ staff: true });
    const context = '{"big":12345678901234567890.50,"a":"x,\\"y\\""}';
    const event = { ...anEvent({ message: '=1+1, "two"\nlines', created: 1_700_000_000_000_000 }), context };
    await recorded(
      event,
      ...["+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "x=1", "", "é"].map((message) =>
        anEvent({ message }),
      ),
    );

    const { response, lines } = await exported(token, CSV, "field=message&field=context&field=created");
    const text = lines.join("");

    expect(response.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(text.startsWith("op,id,created,message,context\r\n")).toBe(true);
    expect(text).toContain(
      `event,1,2023-11-14T22:13:20Z,"'=1+1, ""two""\nlines","{""big"":12345678901234567890.50,""a"":""x,\\""y\\""""}"\r\n`,
    );
    const cells = text
      .split("\r\n")
      .slice(2, 15)
      .map((line) => line.split(",")[3]);
    expect(cells).toEqual([
      "'+1",
      "'-1",
      "'@x",
      "'\tx",
      '"\'\rx"',
      '"\'\nx"',
      "'＝1",
      "'＋1",
      "'－1",
      "'＠x",
      "x=1",
      "",
      "é",
    ]);
    expect(text).toMatch(/\r\nend,[\w.]+,,,\r\n$/);
  });

  it("has deletions, changes of uuids and deleted periods as records", async () => {
    const { token } = await aPerson({ staff: true });
    const event = anEvent({ created: 1_700_000_000_000_000 });
    await recorded(event, anEvent());
    const { lines } = await exported(token, CSV);
    const offset = lines.at(-1)?.split(",")[1];
    await recorded({ ...event, content: event.uuid, uuid: hex("upstream"), isUpstream: true });
    await env.DB.exec("DELETE FROM events WHERE id = 2");

    const { lines: later } = await exported(token, CSV, `offset=${offset}&field=uuid&field=message`);

    expect(later[1]).toBe(`identity,1,${hex("upstream")},${event.message}\r\n`);
    expect(later[2]).toMatch(/^removed,2,[0-9a-f]{32},\r\n$/);
  });
});

it.each([
  [NDJSON, "events.ndjson"],
  [CSV, "events.csv"],
])("an export as %s is a file to save where that is asked for", async (accept, name) => {
  const { token } = await aPerson({ staff: true });
  const plain = await exported(token, accept);
  const saved = await exported(token, accept, "download=1");
  expect(plain.response.headers.has("Content-Disposition")).toBe(false);
  expect(saved.response.headers.get("Content-Disposition")).toBe(`attachment; filename="${name}"`);
});

it.each([
  ["application/json, text/csv", "application/json"],
  ["text/csv, application/json", "text/csv; charset=utf-8"],
  ["text/csv;q=0, */*", "application/json"],
  ["text/html,*/*;q=0.8", "application/json"],
])("Accept: %s gives %s", async (accept, type) => {
  const { token } = await aPerson({ staff: true });
  expect((await exported(token, accept)).response.headers.get("Content-Type")).toBe(type);
});

it("another type is 406", async () => {
  const { token } = await aPerson({ staff: true });
  expect((await exported(token, "text/html")).response.status).toBe(406);
});
