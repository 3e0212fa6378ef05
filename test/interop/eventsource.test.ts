import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { EventSource } from "eventsource";
import { AUTHORIZATION, FeedServer, type Listed } from "./feed-server.ts";

const HANGING = { timeout: 120_000 };
const EVENTS = 300;

let server: FeedServer;
let line: Line;
before(async () => {
  server = await FeedServer.start();
  line = await Line.to(server.origin);
});
after(async () => {
  line?.close();
  await server?.remove();
});

/** What lies between a client and the server, and may be cut. */
class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  private constructor(origin: URL) {
    this.#server = createServer((client) => {
      const upstream = connect(Number(origin.port), origin.hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
        from.pipe(to);
      }
    });
  }

  static async to(origin: string): Promise<Line> {
    const line = new Line(new URL(origin));
    await once(line.#server.listen(0, "127.0.0.1"), "listening");
    return line;
  }

  get origin(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  cut(): void {
    this.cuts += 1;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

interface Control {
  streamNextOffset: string;
  streamCursor: string;
  upToDate?: boolean;
}

/** Opens a stream, and calls a listener for each event until it returns true. */
function listen(query: string, listener: (name: "data" | "control", data: string) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const source = new EventSource(`${line.origin}/api/events/feed/?live=sse&limit=20&${query}`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: AUTHORIZATION } }),
  });
  for (const name of ["data", "control"] as const) {
    source.addEventListener(name, ({ data }) => {
      if (source.readyState === source.CLOSED || !listener(name, String(data))) return;
      source.close();
      resolve();
    });
  }
  // One without a status: the connection was cut, and the EventSource comes back by itself.
  source.addEventListener("error", ({ code, message }) => {
    if (code !== undefined) reject(new Error(`${code} ${message}`));
  });
  return promise;
}

describe("the package eventsource", HANGING, () => {
  it("has each event once and in order while producers send, when it comes back by itself after its line was cut", async (t) => {
    const events: Listed[] = [];
    let page: Listed[] = [];
    const produced = server.produce(EVENTS);

    await listen("offset=-1", (name, data) => {
      if (name === "data") page = JSON.parse(data) as Listed[];
      // Only now: a page whose control event is lost comes again.
      else events.push(...page.splice(0));
      if (name === "control" && line.cuts < 2 && events.length > line.cuts * 100) line.cut();
      return events.length >= EVENTS;
    });

    await produced;
    assert.deepEqual(events, await server.listed());
    assert.equal(line.cuts, 2);
    t.diagnostic(`${events.length} events, ${line.cuts} cuts`);
  });

  it("goes on from the last control event in a new stream, and reads the rest", async () => {
    const events: Listed[] = [];
    let last: Control = { streamNextOffset: "-1", streamCursor: "0" };
    let isUpToDate = false;
    for (let streams = 0; !isUpToDate; streams++) {
      await listen(`offset=${last.streamNextOffset}&cursor=${last.streamCursor}`, (name, data) => {
        if (name === "data") events.push(...(JSON.parse(data) as Listed[]));
        else last = JSON.parse(data) as Control;
        isUpToDate = last.upToDate === true;
        return name === "control";
      });
      assert.ok(streams < EVENTS);
    }
    assert.deepEqual(events, await server.listed());
  });

  it("is told the status of a refusal", async () => {
    await assert.rejects(
      listen("offset=nothing", () => true),
      /^Error: 400 /,
    );
  });
});
