import { report } from "./failure.ts";
import { BackOff } from "./tail/back-off.ts";
import { follow, type Sink } from "./tail/follow.ts";
import { type Options, readOptions } from "./tail/options.ts";
import { Output, OutputClosed } from "./tail/output.ts";
import { pretty } from "./tail/pretty.ts";
import { StateFile } from "./tail/state.ts";
import { USAGE } from "./tail/usage.ts";

/** How long the reader of the output may take for what is being written when a signal arrives. */
const LAST_WRITE_MS = 2_000;

const NEWLINE = "\n";

const stop = new AbortController();
// The terminal sends a signal, and npm sends it again. The second one changes nothing.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, endSoon);

// Connections that are kept open would hold the process.
process.exit(await main().then(() => 0, exitCodeOf));

/** Ends after what is being written, or without it when nobody takes it: its offset is not saved, so it will be repeated. */
function endSoon(): void {
  stop.abort();
  setTimeout(() => process.exit(0), LAST_WRITE_MS).unref();
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === undefined) return console.log(USAGE);
  const state = options.state === undefined ? undefined : new StateFile(options.state, options.source);
  await state?.claim();
  const stored = await state?.load();
  await follow(
    { ...options, offset: options.from ?? stored, backOff: new BackOff(options.backOffMs), tell: console.error },
    sinkOf(new Output(), state, options),
    stop.signal,
  );
}

/** A reader that goes away, as `head` does, ends the command without a word. */
function exitCodeOf(error: unknown): number {
  return error instanceof OutputClosed ? 0 : report(error);
}

function sinkOf(output: Output, state: StateFile | undefined, { format }: Options): Sink {
  const isPretty = (format ?? (process.stdout.isTTY ? "pretty" : "ndjson")) === "pretty";
  return {
    write: (messages) => output.write(linesOf(messages, isPretty)),
    save: async (offset) => state?.save(offset),
  };
}

function linesOf(messages: readonly Uint8Array[], isPretty: boolean): Uint8Array {
  const end = Buffer.from(NEWLINE);
  if (!isPretty) return Buffer.concat(messages.flatMap((message) => [message, end]));
  return Buffer.from(messages.map((message) => pretty(Buffer.from(message).toString()) + NEWLINE).join(""));
}
