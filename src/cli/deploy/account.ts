import * as v from "valibot";
import { runWrangler } from "../wrangler.ts";
import { refusal } from "./refusal.ts";

/**
 * What the Worker needs in a Cloudflare account. Each is asked for by its name, never looked for in a list: wrangler's lists
 * have pages, and names that contain ours. What cannot be found is created, and "already exists" is success, so a run of
 * any kind may be repeated, and completes what an earlier one has begun.
 */
type Kind = "queue" | "bucket" | "database";

/** The commands of wrangler 4.156.2 for each kind. `r2 bucket list` and `queues list` print the first page only. */
const COMMANDS: Readonly<Record<Kind, { group: readonly string[]; json: boolean }>> = {
  queue: { group: ["queues"], json: false },
  bucket: { group: ["r2", "bucket"], json: true },
  database: { group: ["d1"], json: true },
};

/** Errors of Cloudflare's API for a name that is in use: of a queue, a bucket, a database. */
const IN_USE = /\[code: (?:11009|10004|7502)\]|already (?:exists|taken)|is already taken/i;

export async function ensure(kind: Kind, name: string): Promise<void> {
  if (await exists(kind, name)) return;
  console.log(`Creating the ${kind} ${name} …`);
  const finished = await runWrangler([...COMMANDS[kind].group, "create", name]);
  if (finished.code !== 0 && !IN_USE.test(finished.stdout + finished.stderr)) {
    throw refusal(`The ${kind} ${name} was not created`, finished);
  }
}

/** Whether there is one of exactly this name. Any error counts as no: it would come again when one is created. */
async function exists(kind: Kind, name: string): Promise<boolean> {
  const { group, json } = COMMANDS[kind];
  const { code, stdout } = await runWrangler([...group, "info", name, ...(json ? ["--json"] : [])]);
  if (code !== 0) return false;
  return json ? nameIn(stdout) === name : stdout.split("\n").some((line) => line.trim() === `Queue Name: ${name}`);
}

const named = v.pipe(v.string(), v.parseJson(), v.object({ name: v.string() }));

function nameIn(json: string): string | undefined {
  const result = v.safeParse(named, json);
  return result.success ? result.output.name : undefined;
}
