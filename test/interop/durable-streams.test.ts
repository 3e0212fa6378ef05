import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DurableStream, FetchError, type LiveMode, type StreamOptions, stream } from "@durable-streams/client";
import { AUTHORIZATION, FeedServer, type Listed } from "./feed-server.ts";

/** Events in all. `INTEROP_EVENTS=50000 npm exec -- node --test test/interop/durable-streams.test.ts` takes some minutes. */
const EVENTS = Number(process.env.INTEROP_EVENTS ?? 1_500);
const PART = Math.ceil(EVENTS / 3);
const HANGING = { timeout: 60_000 + EVENTS * 20 };

let server: FeedServer;
before(async () => {
  server = await FeedServer.start();
});
after(() => server?.remove());

/** What the client needs to know of the feed. */
const options = (params: Record<string, string> = {}) => ({
  ...{ url: server.url, headers: { Authorization: () => AUTHORIZATION }, params },
  ...{ warnOnHttp: false, backoffOptions: { initialDelay: 100, maxDelay: 1_000, multiplier: 1.3, maxRetries: 2 } },
});

const open = (changed: Partial<StreamOptions> = {}, params: Record<string, string> = {}) =>
  stream<Listed>({ ...options(params), ...changed });

/** The events up to the end, and the offset there. With `live: false`, version 0.2.7 would read one answer only. */
async function caughtUp(offset: string) {
  const response = await open({ offset, live: true }, { limit: "1000" });
  return { events: await response.json(), offset: response.offset };
}

/** So many events that come after an offset, and the offset after the last one. */
async function followed(offset: string, live: LiveMode, count: number) {
  const events: Listed[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const response = await open({ offset, live }, { limit: "1000" });
  const stop = response.subscribeJson<Listed>((batch) => {
    events.push(...batch.items);
    if (events.length >= count) resolve(batch.offset);
  });
  response.closed.catch(reject);
  const end = await promise;
  stop();
  return { events, offset: end };
}

describe("@durable-streams/client, unmodified,", HANGING, () => {
  it("reads while producers send: catch-up, long poll, SSE; each event once, in the order of the log", async (t) => {
    const startedAt = Date.now();
    const events: Listed[] = [];
    let offset = "-1";

    let isProducing = true;
    const produced = server.produce(PART).then(() => (isProducing = false));
    for (let isBehind = true; isBehind; isBehind = isProducing || events.length < PART) {
      const more = await caughtUp(offset);
      events.push(...more.events);
      offset = more.offset;
    }
    await produced;
    t.diagnostic(`catch-up: ${events.length} events`);
    for (const live of ["long-poll", "sse"] as const) {
      const [more] = await Promise.all([followed(offset, live, PART), server.produce(PART)]);
      events.push(...more.events);
      offset = more.offset;
      t.diagnostic(`${live}: ${more.events.length} events`);
    }

    assert.deepEqual(events, await server.listed());
    assert.equal(events.length, 3 * PART);
    assert.notDeepEqual(
      events.map(({ created }) => created),
      events.map(({ created }) => created).sort(),
    );
    assert.deepEqual(await caughtUp(offset), { events: [], offset });
    t.diagnostic(`${events.length} events in ${(Date.now() - startedAt) / 1_000} s`);
  });

  it("begins at the place that HEAD tells, and at now", async () => {
    const head = await new DurableStream(options()).head();
    const now = await open({ offset: "now", live: false });
    assert.ok(head.exists);
    assert.deepEqual([head.contentType, head.cacheControl], ["application/json", "no-store"]);
    assert.deepEqual([await now.json(), now.upToDate, now.offset], [[], true, head.offset]);

    await server.store({ event_type: "user_activated", message: "After HEAD." });

    const { events } = await caughtUp(head.offset ?? "");
    assert.deepEqual(
      events.map(({ message }) => message),
      ["After HEAD."],
    );
  });

  it("is told of an offset of another filter, and of one that nobody was given", async () => {
    const { offset } = await caughtUp("now");
    const refused = { offset: ["Is not an offset of this feed, or was made for another filter."] };
    for (const [bad, params] of [
      [offset, { message: "Õ" }],
      [`${offset}0`, {}],
    ] as const) {
      await assert.rejects(open({ offset: bad, live: false }, params), (error) => {
        assert.ok(error instanceof FetchError);
        assert.deepEqual([error.status, error.json], [400, refused]);
        return true;
      });
    }
  });

  it("is told to begin again when retention has deleted what comes after its offset", async () => {
    const old = { created: "2001-01-01T00:00:00Z", event_type: "user_activated" };
    const { offset } = await caughtUp("now");
    await server.store({ ...old, message: "old" });
    const { code } = await server.database.admin("retention", "--keep", "240m", "--delete");
    assert.equal(code, 0);

    const error = await open({ offset, live: "sse" }).then(
      () => undefined,
      (reason: unknown) => reason,
    );

    assert.ok(error instanceof FetchError);
    assert.equal(error.status, 410);
    const { offset: oldest } = error.json as { offset: string };
    const { events } = await caughtUp(oldest);
    const removed = { op: "removed", created_before: old.created, id_from: events.length };
    assert.deepEqual(events.at(-1), removed);
    assert.deepEqual(events.slice(0, -1), await server.listed());
  });
});
