/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import { deliver } from "../../support/batch.ts";
import { gzipped } from "../../support/ingest.ts";
import { aPerson } from "../../support/people.ts";
import { aQueue } from "../../support/queue.ts";
import { messages, request } from "../../support/world.ts";

const [readme = ""] = Object.values(
  import.meta.glob<string>("../../../src/ingest/README.md", { query: "?raw", import: "default", eager: true }),
);

/** The values that the README's variables stand for here. */
const PATH = "/ingest/waldur";
const VARIABLES: Readonly<Record<string, string>> = { U: PATH, H: "Authorization: Bearer waldur-secret" };
/** Events of the file that one command compresses. */
const NDJSON = ["One.", "Two."].map((message) => JSON.stringify({ event_type: "user_activated", message })).join("\n");

/** The curl commands of the README's shell block, each on one line. */
const commands =
  /^```sh\n([\s\S]*?)^```/m
    .exec(readme)?.[1]
    ?.replaceAll("\\\n", "")
    .split("\n")
    .filter((line) => line.includes("curl ")) ?? [];

interface Curl {
  path: string;
  headers: Headers;
  /** The text after -d or --json; undefined for the bytes of the pipe. */
  text: string | undefined;
}

/** The request of a curl command. Knows the options that the README uses, and throws for any other. */
function parsed(command: string): Curl {
  const curl: Curl = { path: "", headers: new Headers(), text: undefined };
  const words = wordsOf(command.slice(command.indexOf("curl ")));
  const addHeader = (header: string) => curl.headers.append(...split(header));
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "curl" || word === "-sS") continue;
    if (!word.startsWith("-")) curl.path = word;
    else if (word === "-H") addHeader(words.shift() ?? "");
    else if (word === "--data-binary" && words[0] === "@-") words.shift();
    else if (word === "-d" || word === "--json") {
      curl.text = words.shift();
      if (word === "--json") addHeader("Content-Type: application/json");
      else if (!curl.headers.has("Content-Type")) addHeader("Content-Type: application/x-www-form-urlencoded");
    } else throw new Error(`Unknown option ${word}.`);
  }
  return curl;
}

/** The words of a shell command, without quotes. Variables are replaced outside of single quotes, as in sh. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) =>
      single ?? (double ?? plain ?? "").replaceAll(/\$(\w+)/g, (_, name: string) => VARIABLES[name] ?? ""),
  );

function split(header: string): [name: string, value: string] {
  const colon = header.indexOf(":");
  return [header.slice(0, colon), header.slice(colon + 1).trim()];
}

/** Runs a command, and then the consumer. */
async function run(command: string): Promise<Response> {
  const { path, headers, text } = parsed(command);
  const body = text ?? (await gzipped(NDJSON));
  const { queue, bodies } = aQueue();
  const response = await request(path, { method: "POST", headers, body }, { INGEST_QUEUE: queue });
  await deliver(bodies);
  return response;
}

describe("the curl commands in src/ingest/README.md", () => {
  it("show every format", () => {
    const types = commands.map((command) => parsed(command).headers.get("Content-Type"));
    expect(types).toEqual([
      "application/json",
      "application/x-www-form-urlencoded",
      "application/json",
      "application/x-ndjson",
      "application/cloudevents+json",
      "application/cloudevents-batch+json",
      "application/json",
    ]);
  });

  it.each(commands)("are accepted: %s", async (command) => {
    const response = await run(command);
    expect(response.status, await response.clone().text()).toBe(202);
    const stored = await messages((await aPerson({ staff: true })).token);
    expect(stored.toSorted()).toEqual(command.startsWith("gzip ") ? ["One.", "Two."] : ["Ada is active."]);
  });

  it("are not accepted when a command is wrong", async () => {
    const [command = ""] = commands;
    expect((await run(command.replace('"event_type"', '"type"'))).status).toBe(400);
    expect((await run(command.replace("--json", "-d"))).status).toBe(400);
    expect((await run(command.replace("$U", "$U/nowhere"))).status).toBe(401);
    await expect(run(command.replace("-sS", "-X PUT"))).rejects.toThrow("Unknown option -X.");
  });
});
