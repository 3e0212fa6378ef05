import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aPerson } from "../support/people.ts";
import { anEvent, get, hex, recorded } from "../support/world.ts";

const START = Date.UTC(2026, 10, 25, 12);
const scope = `scope=/api/customers/${hex("ours")}/`;

/** A bell that rings for what `commit` writes, after some milliseconds each, until it writes nothing; no time passes by itself. */
function aBell(every: number, commit: () => Promise<unknown> | undefined) {
  const wait = async (after: number, ms: number) => {
    const committed = ms >= every ? await commit() : undefined;
    vi.setSystemTime(Date.now() + (committed === undefined ? ms : every));
    return committed === undefined ? after : after + 1;
  };
  return { FEED_BELL: { getByName: () => ({ wait, ring: async () => undefined }) } };
}
const silence = aBell(1, () => undefined);

const offsetsIn = (text: string) => [...text.matchAll(/"streamNextOffset":"([^"]+)"/g)].map(([, offset]) => offset);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a stream of a busy log", () => {
  it("ends before its invocation has no statement left, and is gone on with", async () => {
    const { token } = await aPerson({ staff: true });
    const logged = vi.spyOn(console, "error");
    let made = 0;
    const bell = aBell(200, () => recorded(anEvent({ message: String(++made) })));

    const text = await (await get("/api/events/feed/?offset=now&live=sse&field=message", token, {}, bell)).text();
    const rest = await get(`/api/events/feed/?offset=${offsetsIn(text).at(-1)}&limit=1000`, token);

    const got = [...text.matchAll(/^data: \[\{"id":(\d+)/gm)].map(([, id]) => Number(id));
    expect(got.length).toBeGreaterThan(100);
    expect(got).toEqual(got.map((_, index) => index + 1));
    expect(await rest.json()).toHaveLength(made - got.length);
    expect(logged).not.toHaveBeenCalled();
  });

  it("catches up in several answers, however few events a page has", async () => {
    const { token } = await aPerson({ staff: true });
    const logged = vi.spyOn(console, "error");
    await recorded(...Array.from({ length: 400 }, () => anEvent()));
    const ids: number[] = [];

    for (let offset = "-1"; ids.length < 400; ) {
      const response = await get(`/api/events/feed/?offset=${offset}&live=sse&limit=1&field=uuid`, token, {}, silence);
      const text = await response.text();
      ids.push(...[...text.matchAll(/^data: \[\{"id":(\d+)/gm)].map(([, id]) => Number(id)));
      offset = offsetsIn(text).at(-1) ?? "";
    }

    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(logged).not.toHaveBeenCalled();
  });

  it("of which its reader may see nothing is as silent as that of a log in which nothing happens", async () => {
    const { token } = await aPerson({ roles: [{ scope: hex("ours") }] });
    const logged = vi.spyOn(console, "error");
    const partsOf = async (bell: typeof silence) => {
      vi.setSystemTime(START);
      const text = await (await get(`/api/events/feed/?offset=now&live=sse&${scope}`, token, {}, bell)).text();
      return [Date.now() - START, text.replaceAll(/(?<=streamNextOffset":"|^id: )[^"\n]+/gm, "")];
    };

    const quiet = await partsOf(silence);
    const busy = await partsOf(aBell(1_500, () => recorded(anEvent())));

    expect(quiet).toEqual([55_000, expect.stringMatching(/^event: control\n.*\nid: \n\n:\n\n:\n\n:\n\n$/)]);
    expect(busy).toEqual(quiet);
    expect(logged).not.toHaveBeenCalled();
  });
});

it("who is woken for what it may not see looks once a second", async () => {
  const { token } = await aPerson({ roles: [{ scope: hex("ours") }] });
  const { setTimeout } = globalThis;
  vi.stubGlobal("setTimeout", (run: () => void, ms: number) => {
    // Longer ones are deadlines.
    if (ms > 1_000) return setTimeout(run, ms);
    vi.setSystemTime(Date.now() + ms);
    return setTimeout(run);
  });
  let looks = 0;
  const bell = aBell(200, () => {
    looks += 1;
    return recorded(anEvent());
  });

  const response = await get(`/api/events/feed/?offset=now&live=long-poll&${scope}`, token, {}, bell);

  expect([response.status, Date.now() - START]).toEqual([204, 25_000]);
  expect(looks).toBe(26);
});
