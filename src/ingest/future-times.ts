import { DAY } from "../values/periods.ts";
import type { ProducedEvent } from "./event.ts";
import type { Draft } from "./formats/format.ts";

/** Microseconds that the time of an event may be ahead of its receipt without a warning. */
const MAX_AHEAD = DAY;
/** Events in a warning. */
const MAX_SHOWN = 10;

/**
 * A warning that names the events whose time is more than a day ahead of their receipt, by index and field. They are stored
 * as they are. `receivedAt` in microseconds.
 */
export function futureTimes(
  drafts: readonly Draft[],
  events: readonly ProducedEvent[],
  { receivedAt }: { receivedAt: number },
): string[] {
  const ahead = [...events.entries()].filter(([, { created }]) => (created ?? 0) > receivedAt + MAX_AHEAD);
  if (ahead.length === 0) return [];
  const shown = ahead
    .slice(0, MAX_SHOWN)
    .map(([index]) => `event ${index} (${drafts[index]?.names?.created ?? "created"})`);
  const more = ahead.length > MAX_SHOWN ? `, and ${ahead.length - MAX_SHOWN} more` : "";
  return [`These times are more than a day ahead of the receipt: ${shown.join(", ")}${more}.`];
}
