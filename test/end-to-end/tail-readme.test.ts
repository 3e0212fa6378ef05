import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readOptions } from "../../src/cli/tail/options.ts";
import { Collecting } from "./collector.ts";
import { isShown, Shell, snippetsOf, stepsOf } from "./snippets.ts";
import { numbered, StandInFeed } from "./stand-in-feed.ts";

const README = "src/cli/tail/README.md";
const ENVIRONMENT = { EDGE_EVENTS_URL: "https://events.example.com", EDGE_EVENTS_TOKEN: "token" };
const HANGING = { timeout: 30_000 };

describe("the snippets of src/cli/tail/README.md", () => {
  let world: Collecting;
  let shell: Shell;

  before(async () => {
    world = await Collecting.start();
    world.feed.append(...numbered(1, 5));
    shell = new Shell(world.folder, { TOKEN: StandInFeed.TOKEN });
  });
  after(async () => {
    shell?.stop();
    await world?.remove();
  });

  it("run, and print what it shows", HANGING, async () => {
    const code = (await snippetsOf(README)).filter(({ language }) => language === "console").map(({ code }) => code);
    const here = code
      .join("")
      .replaceAll("$API", world.feed.url)
      .replaceAll("/var/lib/edge-events", world.folder)
      .replaceAll("/var/log", world.folder);
    const steps = stepsOf(here);
    assert.equal(steps.length, 4);
    for (const { command, expected } of steps) {
      const { printed, exitCode } = await shell.run(command);
      assert.ok(exitCode === 0 && isShown(expected, printed), `$ ${command}\nprints\n${printed}`);
    }
    const { printed } = await shell.run(`cat '${join(world.folder, "edge-events.ndjson")}'`);
    assert.equal(printed, `${numbered(1, 2).join("\n")}\n`);
  });

  it("have options that the collector knows, in the configurations of others, too", async () => {
    const all = (await snippetsOf(README)).filter(({ language }) => language !== "console");
    const lines = all.flatMap(({ code }) => code.split("\n")).filter((line) => line.includes("tail"));
    // That of syslog-ng runs in test/interop/debian/syslog-ng-tail.test.ts.
    assert.equal(lines.length, 4);
    for (const line of lines) {
      const options = readOptions(argumentsIn(line), ENVIRONMENT);
      assert.equal(options?.state, "/var/lib/edge-events/state.json", line);
    }
  });
});

/** The arguments after `tail --`, as a line of a shell or a list of strings. */
function argumentsIn(line: string): string[] {
  const words = line.replaceAll(/["',\]]/g, " ").split(/\s+/);
  const rest = words.slice(words.indexOf("tail") + 2).filter((word) => word !== "");
  const end = rest.findIndex((word) => word === ">>" || word.startsWith("flags("));
  return end < 0 ? rest : rest.slice(0, end);
}
