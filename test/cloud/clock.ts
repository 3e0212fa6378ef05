import { vi } from "vitest";

const START = Date.UTC(2026, 4, 1);

/** Simulated time, which Date and setTimeout keep to; `now` in seconds from its start. */
export class Clock {
  constructor() {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: START });
  }

  get now(): number {
    return (Date.now() - START) / 1000;
  }

  advance(seconds: number): void {
    vi.advanceTimersByTime(Math.ceil(seconds * 1000));
  }
}
