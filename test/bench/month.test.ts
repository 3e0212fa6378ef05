import { describe, expect, it } from "vitest";
import { bill, type Figures, INCLUDED, PRICES, tenfold } from "./month.ts";

/** Those of src/events/README.md, with one kind of request. */
const FIGURES: Figures = {
  stored: 1_000_000,
  bytesPerEvent: 1_774,
  reads: [{ name: "poll", share: 1, rows: 120 }],
  firstSearch: 10_000,
  rowsWritten: { one: 15.5, fifty: 8.5 },
};

describe("the price of the reference month", () => {
  it("is the sum of its lines, with CPU, the cron job and the lists of R2", () => {
    const { total, by_line: lines } = bill(FIGURES);
    expect(total).toBeCloseTo(Object.values(lines).reduce((sum, price) => sum + price, 0));
    expect(lines["read: poll"]).toBeCloseTo(1.2);
    expect(lines["read: Worker requests"]).toBeCloseTo(3);
    expect(lines["read: CPU"]).toBeCloseTo(0.2);
    expect(lines["write: rows"]).toBeCloseTo(0.3 * 15.5 + 0.7 * 8.5);
    expect(lines["write: queue"]).toBeCloseTo(0.3768);
    // Two lists a minute for 30 days, at $4.50 a million.
    expect(lines["cron: lists of R2"]).toBeCloseTo(0.39, 2);
    expect(lines["cron: Worker requests, CPU, rows"]).toBeCloseTo(0.062, 2);
    expect(lines.storage).toBeCloseTo(1.33, 2);
  });

  it("is not the invoice, which has the fee and leaves out what is included", () => {
    const { invoice, total } = bill(FIGURES);
    // 10.67 million requests, of which 10 are included; everything else is included.
    expect(invoice).toBeCloseTo(5 + 0.671 * 0.3, 2);
    expect(total).toBeGreaterThan(15);
  });

  it("has on its invoice each meter that is beyond the included amount, and only what is beyond", () => {
    const many = { ...FIGURES, stored: 10_000_000, rowsWritten: { one: 60, fifty: 60 } };
    // Besides the events: 1,000 searches, and a row of the cron job each minute.
    const extra = (60e6 - INCLUDED.rowsWritten + 1_000 + 43_200) * PRICES.rowsWritten;
    const storage = (17.74 - INCLUDED.databaseGigabytes) * PRICES.databaseGigabytes;
    expect(bill(many).invoice - bill(FIGURES).invoice).toBeCloseTo(extra + storage, 2);
  });

  it("grows with ten times the events: storage, first searches, and reads as they grew before", () => {
    const now = bill(FIGURES);
    const then = bill(tenfold(FIGURES, { poll: 1.5 }));
    expect(then.stored).toBe(10_000_000);
    expect(then.by_line["read: poll"]).toBeCloseTo(1.8);
    expect(then.by_line.storage).toBeCloseTo(10 * (now.by_line.storage ?? 0));
    expect(then.by_line["write: rows"]).toBe(now.by_line["write: rows"]);
    expect(bill(tenfold(FIGURES, { poll: 0.5 })).by_line["read: poll"]).toBeCloseTo(1.2);
  });
});
