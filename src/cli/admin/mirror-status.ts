import type { MirrorStatus } from "../../mirror/report.ts";
import { shortTime } from "./time.ts";

const BAR_WIDTH = 30;
const NAME_WIDTH = 18;

/** The status in lines of a name and a text. A terminal gets a bar. */
export function statusText(status: MirrorStatus, isTerminal: boolean): string {
  const { state, sentence, windows, verifiedThrough, historyFrom, readThrough, requests, differences } = status;
  const lines: [name: string, text: string][] = [["state", `${state}. ${sentence}`]];
  if (status.resumeAt > 0) lines.push(["next request", `${shortTime(status.resumeAt * 1_000)} UTC`]);
  if (historyFrom !== null) {
    lines.push(
      ["progress", progress(status, isTerminal)],
      ["history from", `${shortTime(historyFrom)} UTC`],
      ["read through", `${shortTime(readThrough)} UTC`],
      ["verified through", verifiedThrough === null ? "-" : `${shortTime(verifiedThrough)} UTC`],
      ["windows", counts(windows)],
      ["differing events", counts(differences)],
    );
  }
  lines.push(["requests", group(requests)]);
  if (status.verification !== null) lines.push(["verification", verification(status.verification)]);
  return lines.map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`).join("\n");
}

function progress({ seen, total, timeLeft }: MirrorStatus, isTerminal: boolean): string {
  const share = total === 0 ? 1 : Math.min(1, seen / total);
  const full = Math.round(share * BAR_WIDTH);
  const bar = isTerminal ? `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ` : "";
  const left = timeLeft === null ? "" : timeLeft === 0 ? ", all of the history" : `, ${duration(timeLeft)} left`;
  return `${bar}${Math.floor(share * 100)} %: ${group(seen)} events read; at the start there were ${group(total)}${left}`;
}

const UNITS: readonly [ms: number, unit: string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

function duration(ms: number): string {
  const [size, unit] = UNITS.find(([size]) => ms >= 2 * size) ?? [1_000, "s"];
  return `${Math.ceil(ms / size)} ${unit}`;
}

/** `120 equal, 3 read`; `none` where all are 0. */
const counts = (numbers: Readonly<Record<string, number>>): string =>
  Object.entries(numbers)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${group(n)} ${name}`)
    .join(", ") || "none";

function verification(search: NonNullable<MirrorStatus["verification"]>): string {
  const { mode, done_at, found, requests, counted, unread } = search;
  const state = done_at === null ? "under way" : `done ${shortTime(done_at * 1_000)} UTC`;
  const dense = counted === 0 ? "" : `; ${counted} seconds had too many events for a digest`;
  const bad = unread === 0 ? "" : `; ${unread} ranges could not be read`;
  return `by ${mode}, ${state}; events that differ: ${group(found)}; requests: ${group(requests)}${dense}${bad}`;
}

const group = (number: number): string => number.toLocaleString("en");
