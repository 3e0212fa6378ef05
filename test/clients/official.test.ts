import * as v from "valibot";
import { beforeEach, describe, expect, it } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, recorded, request } from "../support/world.ts";
import { CLIENT_HEADERS, CLIENT_REQUESTS, type ClientRequest, CUSTOMER, USER } from "./requests.ts";

const MICROSECONDS = 1_000_000;

/** What Python's models take: a UUID, an ISO time, texts and any context. A field that was not asked for is absent. */
const EVENT = {
  uuid: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  created: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(\+00:00|Z)$/)),
  event_type: v.string(),
  message: v.string(),
  context: v.looseObject({}),
};
const SHAPES = {
  count: v.strictObject({ count: v.number() }),
  groups: v.record(v.string(), v.array(v.string())),
  types: v.array(v.string()),
  months: v.array(v.strictObject({ year: v.number(), month: v.number(), count: v.number() })),
};

function shapeOf({ reads, fields = [] }: ClientRequest): v.GenericSchema {
  const event = v.strictObject(Object.fromEntries(Object.entries(EVENT).filter(([name]) => fields.includes(name))));
  if (reads === "event") return event;
  if (reads === "events") return v.pipe(v.array(event), v.minLength(1));
  if (reads === "result count") return v.literal("");
  return SHAPES[reads];
}

let token: string;
beforeEach(async () => {
  ({ token } = await aPerson({ staff: true }));
  await recorded(
    ...["project_creation_succeeded", "user_activated"].map((eventType) =>
      anEvent({
        eventType,
        message: "Event of Ada",
        context: { customer_uuid: CUSTOMER, user_uuid: USER, affected_user_uuid: USER },
      }),
    ),
  );
});

describe.each(["python", "typescript"] as const)("the %s client gets what it reads", (client) => {
  const requests = CLIENT_REQUESTS.filter((one) => one.client === client);

  it.each(requests.map((one) => [`${one.name}: ${one.method} ${one.path}`, one] as const))(
    "from %s",
    async (_, one) => {
      for (const headers of CLIENT_HEADERS[client](token)) {
        const response = await request(one.path, { method: one.method, headers });
        const text = await response.text();

        expect(response.status, text).toBe(200);
        expect(response.headers.get("Content-Type")).toBe("application/json");
        v.parse(shapeOf(one), one.method === "HEAD" ? text : JSON.parse(text));
        if (one.reads === "result count") expect(response.headers.get("X-Result-Count")).toMatch(/^\d+$/);
      }
    },
  );
});

describe("a filter of the clients", () => {
  it.each(CLIENT_REQUESTS.filter(({ method, path }) => method === "HEAD" && path.includes("created_to")))(
    "counts both events for $client",
    async ({ client, path }) => {
      const [headers] = CLIENT_HEADERS[client](token);

      const response = await request(path, { method: "HEAD", headers: headers ?? {} });

      expect(response.headers.get("X-Result-Count")).toBe("2");
    },
  );
});

describe("Python's sync_all reads every page:", () => {
  /** It asks for 100, and puts the `page` of the next URL into its own parameters. */
  async function syncAll(path: string): Promise<unknown[]> {
    const [headers] = CLIENT_HEADERS.python(token);
    const all: unknown[] = [];
    for (let page: string | null = ""; page !== null; ) {
      const search: string = `?page_size=100${page && `&page=${encodeURIComponent(page)}`}`;
      const response: Response = await request(`${path}${search}`, { headers: headers ?? {} });
      expect(response.status).toBe(200);
      all.push(...(await response.json<unknown[]>()));
      page = nextPage(response.headers.get("Link") ?? "");
    }
    return all;
  }

  it("of the events", async () => {
    await recorded(...Array.from({ length: 248 }, () => anEvent()));

    const all = v.parse(v.array(v.object({ uuid: EVENT.uuid })), await syncAll("/api/events/"));

    expect(new Set(all.map(({ uuid }) => uuid)).size).toBe(250);
    expect(all).toHaveLength(250);
  });

  it("of the months, which have numbers for pages", async () => {
    const months = Array.from({ length: 150 }, (_, index) => Date.UTC(2000, index, 15) / 1000);
    await recorded(...months.map((seconds) => anEvent({ created: seconds * MICROSECONDS })));

    expect(await syncAll("/api/events-stats/")).toHaveLength(151);
  });
});

/** As Python's parse_link_header: split at commas, then at semicolons. */
function nextPage(link: string): string | null {
  const parts = link.split(",").map((part) => part.trim().split(";"));
  const [url = ""] = parts.find(([, rel = ""]) => rel.trim() === 'rel="next"') ?? [];
  return url === "" ? null : new URL(url.slice(1, -1)).searchParams.get("page");
}

it("a page that has gone, an event that is not there and a token that is not known are errors to both clients", async () => {
  for (const headers of [...CLIENT_HEADERS.python(token), ...CLIENT_HEADERS.typescript(token)]) {
    expect((await request("/api/events/?page=99&page_size=1", { headers })).status).toBe(404);
    expect((await request("/api/events/99/", { headers })).status).toBe(404);
  }
  for (const headers of [...CLIENT_HEADERS.python("no"), ...CLIENT_HEADERS.typescript("no")]) {
    expect((await request("/api/events/", { headers })).status).toBe(401);
  }
});
