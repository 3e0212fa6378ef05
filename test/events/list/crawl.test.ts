import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../../src/events/event.ts";
import { aPerson } from "../../support/people.ts";
import { Random } from "../../support/random.ts";
import { anEvent, get, recorded } from "../../support/world.ts";

const CUSTOMER = "ab".repeat(16);
const SECOND = 1_000_000;
const T = 1_700_000_000 * SECOND;

describe("a crawl", () => {
  /** As the official Python client does: of the Link header it reads only `page` of rel="next", and sends its own parameters. */
  async function crawl(token: string, search: string, between: () => Promise<unknown> = async () => {}) {
    const uuids: string[] = [];
    let page = "";
    for (let pages = 0; pages < 100; pages++) {
      const response = await get(`/api/events/?page_size=100${search}${page && `&page=${page}`}`, token);
      expect(response.status, page).toBe(200);
      uuids.push(...(await response.json<{ uuid: string }[]>()).map(({ uuid }) => uuid));
      const next = (response.headers.get("Link") ?? "").split(",").find((link) => link.includes('rel="next"'));
      const url = /<(.*)>/.exec(next ?? "")?.[1];
      if (url === undefined) return uuids;
      page = new URL(url).searchParams.get("page") ?? "";
      await between();
    }
    throw new Error("The crawl does not end.");
  }

  it.each(["", "&o=created", `&customer_uuid=${CUSTOMER}`, `&customer_uuid=${CUSTOMER}&o=created`, "&message=e"])(
    "by the Python client's way, with the parameters %j, returns 700 events of the same time exactly once, in the order of their ids",
    async (search) => {
      const { token } = await aPerson({ staff: true });
      const same = Array.from({ length: 700 }, () =>
        anEvent({ created: T, message: "same", context: { customer_uuid: CUSTOMER } }),
      );
      await recorded(...same);

      expect(await crawl(token, search)).toEqual(same.map(({ uuid }) => uuid));
    },
  );

  it.each(["", "&o=created", `&customer_uuid=${CUSTOMER}`, "&event_type=project_created", "&message=event"])(
    "with the parameters %j, while events come, late ones too, and others go, returns what was there and stayed exactly once, in order",
    async (search) => {
      const { token } = await aPerson({ staff: true });
      const random = new Random(search.length + 1);
      // Eight events share each second.
      const some = (count: number) =>
        Array.from({ length: count }, () =>
          anEvent({
            created: T + Math.floor(random.next() * 100) * SECOND,
            message: "an event",
            context: { customer_uuid: CUSTOMER },
          }),
        );
      const start = some(800);
      await recorded(...start);
      const order = search.includes("o=created") ? 1 : -1;
      const inOrder = [...start].sort((a, b) => order * (a.created - b.created));
      const gone = new Set<string>();
      const write = async (news: NewEvent[]) => {
        const latest = anEvent({
          created: T + 1_000 * SECOND,
          message: "an event",
          context: { customer_uuid: CUSTOMER },
        });
        await recorded(...news, latest);
      };

      const crawled = await crawl(token, search, async () => {
        await write(some(30));
        const victims = inOrder.filter(() => random.next() < 0.01).map(({ uuid }) => uuid);
        for (const uuid of victims) gone.add(uuid);
        await env.DB.prepare("DELETE FROM events WHERE uuid IN (SELECT value FROM json_each(?))")
          .bind(JSON.stringify(victims))
          .run();
      });

      const stayed = inOrder.map(({ uuid }) => uuid).filter((uuid) => !gone.has(uuid));
      expect(gone.size).toBeGreaterThan(10);
      expect(crawled.filter((uuid) => stayed.includes(uuid))).toEqual(stayed);
      expect(new Set(crawled).size).toBe(crawled.length);
    },
  );
});
