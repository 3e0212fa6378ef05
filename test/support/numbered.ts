import type { NewEvent } from "../../src/events/event.ts";
import { anEvent } from "./world.ts";

const NEWEST = 1_700_000_000_000_000;
const SECOND = 1_000_000;

/** Events "1" to "n" of consecutive seconds, the first the newest: the order of the list. */
export const numberedEvents = (count: number, context: Record<string, unknown> = {}): NewEvent[] =>
  Array.from({ length: count }, (_, index) =>
    anEvent({ created: NEWEST - index * SECOND, message: `${index + 1}`, context }),
  );

/** Their messages, from the one to the other. */
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);
