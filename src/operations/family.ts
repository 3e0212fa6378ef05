import type { DatabaseFacts, Facts } from "./facts.ts";
import type { Numbers } from "./numbers.ts";

/** One value, with what tells it from others of its family. */
export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

/**
 * A family of metrics. `name`: as it is in a query, so that of a counter ends in `_total`. `samples`: what is known of it;
 * none where a part of the platform does not answer. Labels have few values.
 */
export interface Family {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: (facts: Facts) => readonly Sample[];
}

export const one = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }]);
export const flag = (value: unknown): number => Number(value !== undefined);

/** Seconds from a time in milliseconds until now; not less than 0, as clocks differ. */
export const age = ({ now }: Facts, then: number): number => Math.max(0, (now - then) / 1_000);

/** The same from a time in microseconds, of which 0 is unknown: an age without an end, which every alert takes for late. */
export const ageOf = (facts: Facts, microseconds: number): number =>
  microseconds === 0 ? Number.POSITIVE_INFINITY : age(facts, microseconds / 1_000);

export const ofDatabase =
  (value: (database: DatabaseFacts, facts: Facts) => number | undefined): Family["samples"] =>
  (facts) =>
    facts.database === undefined ? [] : one(value(facts.database, facts));

export const ofNumbers =
  (samples: (numbers: Numbers, facts: Facts) => readonly Sample[]): Family["samples"] =>
  (facts) =>
    facts.database?.numbers === undefined ? [] : samples(facts.database.numbers, facts);

export const byQueue =
  (value: (queue: Facts["queues"]["ingest"], facts: Facts) => number | undefined): Family["samples"] =>
  (facts) =>
    Object.entries(facts.queues).flatMap(([queue, known]) =>
      one(value(known, facts)).map((sample) => ({ ...sample, labels: { queue } })),
    );

export const ofPlaces =
  (value: (place: { objects: number; oldest: number | undefined }, facts: Facts) => number): Family["samples"] =>
  (facts) =>
    Object.entries(facts.store?.places ?? {}).map(([place, known]) => ({
      labels: { place },
      value: value(known, facts),
    }));
