import { describe, expect, it } from "vitest";
import { Budget } from "../../src/mirror/budget.ts";
import { canonicalLine } from "../../src/mirror/canonical.ts";
import type { OurEvent, OurSide } from "../../src/mirror/ours.ts";
import type { Sides } from "../../src/mirror/reading.ts";
import type { Difference } from "../../src/mirror/rows.ts";
import { Upstream } from "../../src/mirror/upstream.ts";
import { newVerification, type Verification } from "../../src/mirror/verification.ts";
import { searchStep } from "../../src/mirror/verify.ts";
import { bisected, type History, type HistoryEvent, WaldurHistory } from "../support/waldur-history.ts";
import { bindingsFor } from "./world.ts";

const EVENTS = 1_000_000;
const SECOND = 1_000_000;
const YEAR = 365 * 86_400;
const FROM = Date.UTC(2025, 5, 10) / 1_000;
const END = FROM + YEAR + 3_600;
const UNLIMITED = { requests: 1e9, bytes: 1e15, wallMs: 1e15, statements: 1e9 };

/** How 1,000,000 events lie in a year: index → microseconds from its beginning, never falling. */
const DISTRIBUTIONS = {
  "evenly over a year": (n: number) => Math.floor((n * YEAR * SECOND) / EVENTS),
  "half of them in one hour": (n: number) =>
    n < EVENTS / 2 ? Math.floor((n * YEAR * SECOND) / EVENTS) : (YEAR / 2) * SECOND + (n - EVENTS / 2) * 7_000,
  "ever more of them": (n: number) => Math.floor(YEAR * SECOND * Math.sqrt(n / EVENTS)),
} as const;

type Placed = (n: number) => number;

const uuidOf = (n: number): string => (n * 2_654_435_761).toString(16).padStart(32, "0");

/** The events by arithmetic: none of them is kept. */
const eventAt = (placed: Placed, n: number): HistoryEvent => ({
  uuid: uuidOf(n),
  created: FROM * SECOND + placed(n),
  event_type: "user_activated",
  message: `Event ${n}`,
  context: {},
});

const historyBy = (placed: Placed): History => ({
  length: EVENTS,
  at: (n) => eventAt(placed, n),
  firstFrom: (created) => bisected(EVENTS, (n) => FROM * SECOND + placed(n) >= created),
});

/** Our side of the same events, in which one is missing, altered, or added after one. */
function oursBy(placed: Placed, change: { missing?: number; altered?: number; extra?: number }): OurSide {
  const { missing = -1, altered = -1, extra = -1 } = change;
  const history = historyBy(placed);
  const indexes = ({ from, to }: { from: number; to: number }) =>
    [history.firstFrom(from * SECOND), history.firstFrom(to * SECOND)] as const;
  const eventsAt = (n: number): OurEvent[] => {
    const { uuid, created, event_type: eventType, message } = history.at(n);
    const shown = n === altered ? `${message}, altered` : message;
    const event = { uuid, created, line: canonicalLine({ uuid, created, eventType, message: shown, context: {} }) };
    if (n === missing) return [];
    return n === extra ? [event, { ...event, uuid: "e".repeat(32) }] : [event];
  };
  return {
    async count(range) {
      const [begin, end] = indexes(range);
      const has = (n: number) => n >= begin && n < end;
      return end - begin - (has(missing) ? 1 : 0) + (has(extra) ? 1 : 0);
    },
    async *events(range) {
      const [begin, end] = indexes(range);
      for (let n = begin; n < end; n++) yield eventsAt(n);
    },
    async secondOfNth(range, count) {
      const [begin, end] = indexes(range);
      if (begin + count >= end) return undefined;
      return Math.floor(history.at(begin + count).created / SECOND);
    },
    bounds: async () => ({ from: FROM, to: FROM + YEAR }),
  };
}

/** Searches to its end, as the cron job does: the state is JSON between two steps. */
async function searched(placed: Placed, mode: Verification["mode"], change: Parameters<typeof oursBy>[1]) {
  const waldur = new WaldurHistory(historyBy(placed));
  const sent: string[] = [];
  const sides: Sides = {
    theirs: new Upstream(bindingsFor(waldur), new Budget(UNLIMITED, () => 0), () => 0),
    ours: oursBy(placed, change),
    send: async (events) => {
      sent.push(...events.map(({ uuid }) => uuid));
      return [];
    },
  };
  const found: Difference[] = [];
  let search = newVerification(mode, 0);
  do {
    const step = await searchStep(sides, search, END);
    if (step !== undefined) found.push(...step.reading.differences, ...step.reading.sent);
    search = JSON.parse(JSON.stringify(search));
  } while (search.stack?.length !== 0);
  return { found: found.map(({ kind, uuid }) => [kind, uuid]), sent, requests: waldur.requests.length };
}

describe.each(Object.entries(DISTRIBUTIONS))("among 1,000,000 events, %s,", (_, placed) => {
  it.each([0, 1, 499_999, 654_321, EVENTS - 1])(
    "the missing one is found and fetched with at most 60 requests: %i",
    async (n) => {
      const { found, sent, requests } = await searched(placed, "counts", { missing: n });

      expect([found, sent]).toEqual([[["missing", uuidOf(n)]], [uuidOf(n)]]);
      expect(requests).toBeLessThanOrEqual(60);
    },
  );

  it.each([0, 500_001, EVENTS - 1])("the extra one is found with at most 60 requests: after %i", async (n) => {
    const { found, sent, requests } = await searched(placed, "counts", { extra: n });

    expect([found, sent]).toEqual([[["extra", "e".repeat(32)]], []]);
    expect(requests).toBeLessThanOrEqual(60);
  });

  it("nothing is found where nothing differs, with a request for the months and one for the month that is not over", async () => {
    expect(await searched(placed, "counts", {})).toEqual({ found: [], sent: [], requests: 2 });
  });
});

it("among 1,000,000 events, ever more of them, the altered one is found with at most 3,400 requests", async () => {
  const { found, sent, requests } = await searched(DISTRIBUTIONS["ever more of them"], "digests", { altered: 777_777 });

  expect([found, sent]).toEqual([[["altered", uuidOf(777_777)]], []]);
  console.error("REQ", requests);
  expect(requests).toBeLessThanOrEqual(3_400);
});

it("counts alone do not find an altered event, and are called counts", async () => {
  const placed = DISTRIBUTIONS["evenly over a year"];
  expect(await searched(placed, "counts", { altered: 5 })).toMatchObject({ found: [], requests: 2 });
});
