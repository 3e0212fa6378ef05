import { vi } from "vitest";

/** Stops the clock that Date reads at a time. Only the test moves it on; after the test it runs again (setup.ts). */
export function stopClock(at: string): void {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(at) });
}

/** Moves the stopped clock on by so many milliseconds. */
export const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
