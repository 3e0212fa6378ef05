import { expect, it } from "vitest";
import { inputSeries, type Scrape, Simulation } from "./simulation.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const HOUR_MS = 3_600_000;
/** Seconds between two scrapes, less than the quarter of an hour for which the watermark trusts the cron job. Only the last part of each is simulated second by second; in the other nothing happens. */
const STEP = 840;
const SIMULATED = 31;
const WEEK = 7 * DAY;

/** An agent works in the day only, and one does its work at night. */
const isAtWork = (time: number): boolean =>
  time > 0 && time % DAY >= 8 * HOUR && time % DAY < 18 * HOUR && time < 5 * DAY;

it("a quiet week, with nights and a weekend, is simulated for the alert rules", async () => {
  const simulation = new Simulation({ waldur: 60, agent: 60, backup: DAY });
  const start = Date.now();
  const [work, night, weekend] = [{ 30: 10 * HOUR_MS }, { 64800: 14 * HOUR_MS }, { 259200: 62 * HOUR_MS }];
  const workday = { ...work, ...night };
  await simulation.hasSent("waldur", Array(7).fill({ 30: 24 * HOUR_MS }), start);
  await simulation.hasSent("backup", Array(7).fill({ 86400: 24 * HOUR_MS }), start);
  const week = [{ ...work, ...weekend }, workday, workday, workday, workday, {}, {}];
  await simulation.hasSent("agent", week, start - 54 * HOUR_MS);
  const scrapes: Scrape[] = [];
  // The week begins when the watermark is known.
  for (let time = -4 * STEP; time < WEEK; time += STEP) {
    simulation.clock.advance(STEP - SIMULATED);
    simulation.broken.silent = isAtWork(time) ? "nobody" : "agent";
    await simulation.pass(SIMULATED);
    if (time >= 0) scrapes.push(await simulation.scrape());
  }

  const total = (name: string) => scrapes.at(-1)?.get(name) ?? 0;
  expect(total("edge_events_accepted_total")).toBeGreaterThan(900);
  expect(total("edge_events_accepted_total")).toBe(total("edge_events_stored_total"));
  expect(scrapes.map((scrape) => scrape.get("edge_events_producers")).at(-1)).toBe(3);
  await expect(inputSeries(scrapes)).toMatchFileSnapshot("scrapes/quiet-week.json");
});
