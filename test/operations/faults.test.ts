import { expect, it } from "vitest";
import { type Broken, inputSeries, type Scrape, Simulation } from "./simulation.ts";

/** Seconds: Prometheus scrapes; a fault is seen; all is well before it; it lasts. */
const SCRAPES = 30;
const SEEN = 120;
const BEFORE = 600;
const LASTS = 1_200;
const EIGHT_GB = 8_500_000_000;

interface Fault {
  name: string;
  broken: Broken;
  /** What a scrape shows then, and before it did not. */
  seen: (scrape: Scrape, fault: number) => boolean;
}

const above =
  (series: string, value: number): Fault["seen"] =>
  (scrape) =>
    (scrape.get(series) ?? 0) > value;
const isZero =
  (series: string): Fault["seen"] =>
  (scrape) =>
    scrape.get(series) === 0;

const OLDEST = 'edge_events_queue_oldest_message_age_seconds{queue="ingest"}';

/** Those of the mirror are in test/interop/debian/prometheus.test.ts. */
const FAULTS: readonly Fault[] = [
  { name: "queue-stopped", broken: { deliveries: true }, seen: above(OLDEST, 60) },
  { name: "queue-refuses", broken: { sending: true }, seen: above('edge_events_spilled_objects{place="spill"}', 0) },
  { name: "database-away", broken: { database: true }, seen: isZero("edge_events_database_up") },
  { name: "bucket-away", broken: { bucket: true }, seen: isZero("edge_events_object_store_up") },
  {
    name: "producer-silent",
    broken: { silent: "crm" },
    seen: above('edge_events_producer_silence_seconds{producer="crm"}', 40),
  },
  { name: "dead-letters", broken: { conflicts: true }, seen: above('edge_events_dead_letters{state="dead"}', 0) },
  { name: "clock-skew", broken: { skew: 120 }, seen: above("edge_events_clock_skew_seconds", 2) },
  {
    name: "database-nearly-full",
    broken: { bytes: EIGHT_GB },
    seen: above("edge_events_database_size_bytes", 8_000_000_000),
  },
  { name: "consumer-throwing", broken: { consumers: true }, seen: above(OLDEST, 60) },
  { name: "cron-not-running", broken: { cron: true }, seen: above("edge_events_cron_age_seconds", 75) },
];

async function scrapes(simulation: Simulation, seconds: number): Promise<Scrape[]> {
  const all: Scrape[] = [];
  for (let passed = 0; passed < seconds; passed += SCRAPES) {
    await simulation.pass(SCRAPES);
    all.push(await simulation.scrape());
  }
  return all;
}

it.each(FAULTS)("$name is seen in the metrics within two minutes", async ({ name, broken, seen }) => {
  const simulation = new Simulation({ waldur: 7, crm: 20 });
  for (const producer of ["waldur", "crm"])
    await simulation.hasSent(producer, Array(7).fill({ 30: 86_400_000 }), Date.now());
  const before = await scrapes(simulation, BEFORE);
  Object.assign(simulation.broken, broken);
  const after = await scrapes(simulation, LASTS);

  expect(before.some((scrape) => seen(scrape, BEFORE))).toBe(false);
  expect(after.findIndex((scrape) => seen(scrape, BEFORE)) * SCRAPES + SCRAPES).toBeLessThanOrEqual(SEEN);
  // test/interop/debian/prometheus.test.ts gives them to the alert rules.
  await expect(inputSeries([...before, ...after])).toMatchFileSnapshot(`scrapes/${name}.json`);
});
