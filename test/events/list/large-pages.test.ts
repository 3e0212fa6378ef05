import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { PAGE_BYTES, PART_BYTES } from "../../../src/events/list/content.ts";
import { linkOf } from "../../support/big-log.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, get, hex, recorded } from "../../support/world.ts";

const CUSTOMER = hex("customer");
const KIB = 1024;
/** What ingest accepts. */
const MAX_EVENT_BYTES = 64 * KIB;
/** A page of so many of these events has 5 MB. */
const LARGE = 80;
/** So many small events hide a type from the first rows that are scanned for it. */
const SMALL = 1_100;
/** Bytes of content that a request may have read without having sent them. */
const MOST_HELD = PAGE_BYTES + PART_BYTES;
const T = 1_700_000_000;

afterEach(() => vi.restoreAllMocks());

/** A database that counts the bytes of content in what it returns, and after each batch tells how many there are. */
function meteredDatabase(onBatch: (handedOut: number) => void = () => {}) {
  const meter = { bytes: 0, batches: 0 };
  const DB = new Proxy(env.DB, {
    get(real, name) {
      if (name !== "withSession") return Reflect.get(real, name);
      return (bookmark: string) => {
        const session = real.withSession(bookmark);
        const batch: D1DatabaseSession["batch"] = async (statements) => {
          const results = await session.batch<never>(statements);
          const rows = results.flatMap((result) => result.results as Record<string, unknown>[]);
          for (const { message, context } of rows) meter.bytes += lengthOf(message) + lengthOf(context);
          meter.batches += 1;
          onBatch(meter.bytes);
          return results;
        };
        return { prepare: (sql: string) => session.prepare(sql), batch, getBookmark: () => session.getBookmark() };
      };
    },
  });
  return { DB, meter };
}

const lengthOf = (value: unknown) => (typeof value === "string" ? new TextEncoder().encode(value).length : 0);

/** Events of the size that ingest accepts at most: large in their context, in their message, or in what escapes add. */
const largeEvents = () =>
  Array.from({ length: LARGE }, (_, index) => {
    const size = MAX_EVENT_BYTES - 400;
    const contents = [
      { message: "needle", text: "x".repeat(size) },
      { message: `needle ${"õ".repeat(size / 2)}`, text: "" },
      { message: `needle ${"\u0001".repeat(size / 6)}`, text: "" },
    ];
    const { message, text } = contents[index % contents.length] ?? { message: "", text: "" };
    return anEvent({
      created: (T - index) * 1_000_000,
      eventType: "customer_update_succeeded",
      message,
      context: { customer_uuid: CUSTOMER, text },
    });
  });

const smallEvents = () =>
  Array.from({ length: SMALL }, (_, index) => anEvent({ created: (T + 1 + index) * 1_000_000, context: {} }));

async function write(events: readonly NewEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += 100) await recorded(...events.slice(start, start + 100));
}

const FIELDS = ["uuid", "created", "event_type", "message", "context"];

function printed(events: readonly NewEvent[], fields = FIELDS): string {
  const one = (event: NewEvent) => {
    const values: Record<string, string> = {
      uuid: `"${event.uuid}"`,
      created: `"${new Date(event.created / 1000).toISOString().replace(".000Z", "Z")}"`,
      event_type: `"${event.eventType}"`,
      message: JSON.stringify(event.message),
      context: event.context,
    };
    return `{${fields.map((field) => `"${field}":${values[field]}`).join(",")}}`;
  };
  return `[${events.map(one).join(",")}]`;
}

describe("a page of events of 64 KiB", () => {
  it("is sent from bounded memory, whole, by every kind of list", async () => {
    const { token } = await aPerson({ staff: true });
    const [large, small] = [largeEvents(), smallEvents()];
    await write([...large, ...small]);
    const oldestFirst = large.toReversed();
    const size = `page_size=${LARGE}`;
    const second = linkOf(await get(`/api/events/?page_size=${SMALL / 4}&page=4`, token), "next") ?? "";
    const lists: Record<string, [path: string, expected: NewEvent[], fields?: string[]]> = {
      "the log, oldest first": [`/api/events/?o=created&${size}`, oldestFirst],
      "the log at its end": [`/api/events/?${size}&page=last`, large.slice(-((LARGE + SMALL) % LARGE))],
      "the log, deep": [`/api/events/?page_size=${SMALL / 4}&page=5`, large.slice(0, SMALL / 4)],
      "the log by a page token": [second, large.slice(0, SMALL / 4)],
      "the log by its types, through the index": [`/api/events/?event_type=customer_update_succeeded&${size}`, large],
      "the same again, with a hint": [`/api/events/?event_type=customer_update_succeeded&${size}`, large],
      "an object": [`/api/events/?customer_uuid=${CUSTOMER}&${size}`, large],
      "an object of a scope": [`/api/events/?scope=/api/customers/${CUSTOMER}/&${size}`, large],
      "a search": [`/api/events/?message=needle&${size}`, large],
      "a search, oldest first": [`/api/events/?message=needle&o=created&${size}`, oldestFirst],
      "messages only": [`/api/events/?customer_uuid=${CUSTOMER}&${size}&field=message`, large, ["message"]],
      "contexts only": [
        `/api/events/?customer_uuid=${CUSTOMER}&${size}&field=context&field=uuid`,
        large,
        ["uuid", "context"],
      ],
    };

    for (const [name, [path, events, fields]] of Object.entries(lists)) {
      const body = printed(events, fields);
      let [sent, held] = [0, 0];
      const { DB } = meteredDatabase((handedOut) => {
        held = Math.max(held, handedOut - sent);
      });
      const response = await get(path, token, {}, { DB });
      expect(response.status, name).toBe(200);
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body ?? []) {
        chunks.push(chunk);
        sent += chunk.length;
      }
      const text = await new Blob(chunks).text();
      expect(text === body, name).toBe(true);
      expect(response.headers.get("Content-Length"), name).toBe(String(lengthOf(body)));
      expect(held, name).toBeGreaterThan(0);
      expect(held, name).toBeLessThanOrEqual(MOST_HELD);
    }
  });

  it("costs no content where none is sent: HEAD, 304, and other fields", async () => {
    const { token } = await aPerson({ staff: true });
    await write(largeEvents());
    for (const search of ["", "&message=needle", `&customer_uuid=${CUSTOMER}`, `&scope=/api/customers/${CUSTOMER}/`]) {
      const path = `/api/events/?page_size=${LARGE}${search}`;
      const { DB, meter } = meteredDatabase();
      const whole = await get(path, token);
      await whole.body?.cancel();

      const head = await get(path, token, { method: "HEAD" }, { DB });
      const same = await get(path, token, { headers: { "If-None-Match": whole.headers.get("ETag") ?? "" } }, { DB });
      const others = await get(`${path}&field=uuid&field=created`, token, {}, { DB });

      expect(same.status, search).toBe(304);
      expect(await others.json(), search).toHaveLength(LARGE);
      for (const name of ["Content-Length", "ETag", "Link", "X-Result-Count"])
        expect(head.headers.get(name), `${name} of ${search}`).toBe(whole.headers.get(name));
      expect(await head.text()).toBe("");
      expect(meter.bytes, search).toBe(0);
    }
  });

  it("that loses an event on its way ends with an error, not with JSON that looks whole", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { token } = await aPerson({ staff: true });
    const events = largeEvents();
    await write(events);

    const response = await get(`/api/events/?page_size=${LARGE}`, token);
    await env.DB.prepare("DELETE FROM events WHERE uuid = ?")
      .bind(events[LARGE - 10]?.uuid)
      .run();

    await expect(response.text()).rejects.toThrow();
    expect(log).toHaveBeenCalledTimes(1);
    expect(log).toHaveBeenCalledWith(expect.stringContaining(response.headers.get("X-Request-Id") ?? "no id"));
  });

  it("is read no further when the client has gone away", async () => {
    const { token } = await aPerson({ staff: true });
    await write(largeEvents());
    const { DB, meter } = meteredDatabase();

    const response = await get(`/api/events/?page_size=${LARGE}`, token, {}, { DB });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();

    expect(meter.bytes).toBeLessThanOrEqual(MOST_HELD);
    const { batches } = meter;
    await get("/api/events/", token);
    expect(meter.batches).toBe(batches);
  });
});

it("a page of small events takes one round trip, and a single large one among them one more", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(...smallEvents().slice(0, 299));
  await get("/api/events/count/", token);
  const trips = async () => {
    const { DB, meter } = meteredDatabase();
    const events = await (await get("/api/events/?page_size=300", token, {}, { DB })).json<unknown[]>();
    return [events.length, meter.batches];
  };

  expect(await trips()).toEqual([299, 1]);
  await write(largeEvents().slice(0, 1));
  expect(await trips()).toEqual([300, 2]);
});

it("HEAD reads no content of small events either", async () => {
  const { token } = await aPerson({ staff: true });
  await recorded(...smallEvents().slice(0, 10));
  const { DB, meter } = meteredDatabase();
  const length = (await get("/api/events/", token)).headers.get("Content-Length");

  expect((await get("/api/events/", token, { method: "HEAD" }, { DB })).headers.get("Content-Length")).toBe(length);
  expect(meter.bytes).toBe(0);
});
