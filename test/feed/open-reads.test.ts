import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_OPEN_READS, type OpenRead, openRead } from "../../src/feed/open-reads.ts";
import { streamOf } from "../../src/feed/stream.ts";

let clients = 0;
let client = "";
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  clients += 1;
  client = `client ${clients}`;
});
afterEach(() => {
  vi.useRealTimers();
});

const openAll = (): OpenRead[] => Array.from({ length: MAX_OPEN_READS }, () => openRead(client));
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

describe("an open answer", () => {
  it("counts for its client, and for no other", () => {
    openAll();
    expect(() => openRead(client)).toThrow("throttled");
    expect(() => openRead("another")).not.toThrow();
  });

  it("makes room for one when it is closed, however often", () => {
    const [first] = openAll();
    for (let times = 0; times < 3; times++) first?.close();
    openRead(client);
    expect(() => openRead(client)).toThrow("throttled");
  });

  it("that nobody closes counts for a minute", () => {
    openAll();
    pass(59.999);
    expect(() => openRead(client)).toThrow("throttled");
    pass(0.001);
    expect(() => openAll()).not.toThrow();
  });

  it("counts for longer when it goes on, also after it was forgotten", () => {
    const [first] = openAll();
    pass(59);
    first?.goesOn();
    pass(59);
    const others = Array.from({ length: MAX_OPEN_READS - 1 }, () => openRead(client));
    expect(() => openRead(client)).toThrow("throttled");
    pass(60);
    for (const read of [first, ...others]) read?.goesOn();
    expect(() => openRead(client)).toThrow("throttled");
  });
});

describe("a stream", () => {
  async function* texts() {
    yield "one";
    yield "two";
  }

  it("is open while its client takes parts of it, and closed at its end", async () => {
    const told: string[] = [];
    const open = { goesOn: () => told.push("goes on"), close: () => told.push("closed") };

    expect(await new Response(streamOf("1", texts(), open)).text()).toBe("onetwo");

    expect(told).toEqual(["goes on", "goes on", "goes on", "closed"]);
  });

  it("is closed when its client goes away", async () => {
    const close = vi.fn();
    const reader = streamOf("1", texts(), { goesOn: () => undefined, close }).getReader();
    await reader.read();
    await reader.cancel();
    expect(close).toHaveBeenCalled();
  });

  it("is no error when its client goes away while it waits", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* waits() {
      yield "one";
      await waiting;
      yield "two";
    }
    const reader = streamOf("1", waits(), { goesOn: () => undefined, close: () => undefined }).getReader();
    await reader.read();
    const next = reader.read();
    await reader.cancel();
    goOn();
    expect(await next).toMatchObject({ done: true });
    await scheduler.wait(0);

    expect(logged).not.toHaveBeenCalled();
  });
});
